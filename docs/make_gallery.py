"""The gallery's page, from real runs: python docs/make_gallery.py.

Trains every patient of tests/gallery, asks the doctor, and writes gallery.md and gallery.png.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

from gallery_page import GROUPS, page  # noqa: E402
from gallery_picture import picture, strips  # noqa: E402

import nelbo  # noqa: E402


def modules(kind):
    names = sorted(path.stem for path in (ROOT / "tests" / "gallery" / kind).glob("*.py"))
    return {name: importlib.import_module(f"tests.gallery.{kind}.{name}") for name in names}


def check(broken):
    listed = [name for names in GROUPS.values() for name in names]
    unlisted = set(broken) ^ set(listed)
    if unlisted:
        raise SystemExit(f"GROUPS and tests/gallery/broken differ: {', '.join(sorted(unlisted))}")


def main():
    broken, healthy = modules("broken"), modules("healthy")
    check(broken)
    firsts, pictures = {}, {}
    for name, module in broken.items():
        patient = module.patient()
        found = (*patient.said, *nelbo.diagnose(patient.model, patient.data).findings)
        firsts[name], pictures[name] = found[0], strips(patient)
        print(f"{name}: {found[0].code}", flush=True)
    (DOCS / "gallery.md").write_text(page(broken, healthy, firsts))
    reference = strips(healthy["pytorch_example"].patient())
    picture(pictures, firsts, reference, DOCS / "gallery.png")


if __name__ == "__main__":
    main()
