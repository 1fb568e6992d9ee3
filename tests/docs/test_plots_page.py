"""DVC's plots without a network: the page that DVC writes asks nobody for its scripts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import plots_page
from tests.support.workspaces import git


def test_plots_page_holds_its_scripts(tmp_path: Path) -> None:
    pytest.importorskip("vl_convert", reason="the extra `plots` is not installed")
    git(tmp_path, "init", "--quiet")
    (tmp_path / "curves.csv").write_text("step,loss\n0,1\n1,0.5\n", encoding="utf-8")
    plots = "plots:\n- loss:\n    x: {curves.csv: step}\n    y: {curves.csv: [loss]}\n"
    (tmp_path / "dvc.yaml").write_text(plots, encoding="utf-8")

    def dvc(*words: str) -> None:
        subprocess.run([sys.executable, "-m", "dvc", *words], cwd=tmp_path, check=True, capture_output=True)

    dvc("init", "--quiet")
    plots_page.write(tmp_path)
    dvc("plots", "show", "--quiet")
    page = (tmp_path / "dvc_plots" / "index.html").read_text("utf-8")
    assert "vegaEmbed('#" in page
    assert "window.vegaEmbed=" in page
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)=["\']?(https?:[^"\' >]+)', page) == []
