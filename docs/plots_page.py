"""Have `dvc plots show` draw without a network: DVC's own page loads its charts from a CDN.

    pip install vl-convert-python && python -m docs.plots_page

It writes a page that holds the scripts, and names it in `.dvc/config.local`. The package has Vega, Vega-Lite
and Vega-Embed inside; DVC's templates are written for Vega-Lite 5.
"""

import subprocess
import sys
from pathlib import Path

PAGE = Path("tmp", "plots_page.html")  # in .dvc, as DVC looks for it
_VEGA_LITE = "5.21"
_HTML = """<!DOCTYPE html>
<html>
<head>
    {refresh_tag}
    <meta charset="utf-8">
    <title>DVC plots</title>
    <style>body {font-family: sans-serif; margin: 2em} table {border-spacing: 15px}</style>
    <script>SCRIPTS</script>
</head>
<body>
    {plot_divs}
</body>
</html>
"""


def write(workspace: Path) -> Path:
    """Write the page into a workspace, and have DVC use it there; return the page.

    Raises:
        ModuleNotFoundError: vl-convert-python is not installed.
    """
    import vl_convert

    page = workspace / ".dvc" / PAGE
    page.parent.mkdir(exist_ok=True)
    scripts = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=_VEGA_LITE)
    assert "</script" not in scripts  # as it stands: what is escaped inside of a script is another one
    page.write_text(_HTML.replace("SCRIPTS", scripts), encoding="utf-8")
    command = [sys.executable, "-m", "dvc", "config", "--local", "plots.html_template", PAGE.as_posix()]
    subprocess.run(command, cwd=workspace, check=True)
    return page


if __name__ == "__main__":
    write(Path.cwd())
