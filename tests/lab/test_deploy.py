"""The SAM CLI keeps what it writes among the lab's own files, whenever it is killed."""

from __future__ import annotations

import pytest

from lab import deploy


def test_temporary_files_of_sam_and_its_pip_go_with_the_lab(tmp_path, monkeypatch):
    sam = tmp_path / "sam"
    sam.write_text("#!/bin/sh\nmktemp -d\nexit 1\n", encoding="utf-8")
    sam.chmod(0o755)
    monkeypatch.setattr(deploy, "SAM", sam)
    files = tmp_path / "lab"
    files.mkdir()
    with pytest.raises(deploy.DeployError, match=str(files)):
        deploy.deploy(tmp_path / "template.yaml", {"PATH": "/usr/bin:/bin"}, {}, files)
