from . import tokenizer as tokenizer
