"""Asks the hub for its table, as the true one does."""

import socket


def hf_hub_download(repo_id: str, filename: str, **more: object) -> str:
    raise OSError("the hub was asked")


class ChineseCangjieConverter:
    def __init__(self) -> None:
        self._init_segmenter()

    def _init_segmenter(self) -> None:
        """Look for a model in the network, as the true one does."""
        socket.create_connection(("127.0.0.1", 9))
