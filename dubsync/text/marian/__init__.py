"""The small Marian translation model (Firefox Translations): its file, its vocabulary, a twin in torch, fine-tuning."""
