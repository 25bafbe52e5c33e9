class XttsConfig:
    def load_json(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
