"""Asks the hub for its table, as the true one does."""


def hf_hub_download(repo_id: str, filename: str, **more: object) -> str:
    raise OSError("the hub was asked")
