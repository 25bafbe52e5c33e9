class XttsConfig:
    gpt_cond_len, gpt_cond_chunk_len, max_ref_len = 30, 4, 30

    def load_json(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
