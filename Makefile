# make app    install what the app needs and open it
# make test   install what the tests need; style, types, tests
# make lint   style and types alone
# make wheel  build dist/galexplorer-*.whl, which pip installs anywhere
# make docs   build the documentation in build/docs; a warning is an error
# make bench   write build/bench.md: how fast, as ratios measured in one run
# make weights  render, train, evaluate (hours); writes weights/ and assets/examples
# make clean  remove the environment and the caches

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
RUNTIME := $(VENV)/runtime.stamp
DEV := $(VENV)/dev.stamp
DOCS := $(VENV)/docs.stamp

.PHONY: app test lint docs wheel bench weights clean

app: $(RUNTIME)
	$(BIN)/streamlit run app.py

test: $(DEV)
	@sh scripts/chromium.sh
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n 2 --dist loadfile  # in two processes, each file in one of them

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: | $(BIN)/python
	$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/galexplorer-*.whl

docs: $(DOCS)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --fresh-env --quiet docs build/docs

$(BIN)/python:
	@sh scripts/environment.sh $(PYTHON) $(VENV)

# The package itself is installed in place, so that its own edits need no new installation.
$(RUNTIME): requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing the packages of requirements.txt (a few minutes the first time)."
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(DEV): requirements-dev.txt requirements-survey.txt requirements-train.txt $(RUNTIME)
	@echo "Installing the packages of requirements-dev.txt."
	$(PIP) -r requirements-dev.txt
	@touch $@

$(DOCS): requirements-docs.txt $(RUNTIME)
	@echo "Installing the packages of requirements-docs.txt."
	$(PIP) -r requirements-docs.txt
	@touch $@

# On a machine that does nothing else; ratios hold on a busy one too.
bench: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/bench.py

# Real data are looked for in ../shared/data, or where GALEXPLORER_DATA points.
weights: $(DEV)
	$(BIN)/galexplorer simulate --size 62000 --seed 1 --workers 2 --out runs/rendered
	$(BIN)/galexplorer dataset real --rendered runs/rendered --workers 2 --out runs/real
	$(BIN)/galexplorer train runs/rendered runs/real --config configs/weights.yaml --resume
	$(BIN)/galexplorer train-verdict --workers 2
	$(BIN)/galexplorer dataset examples --rendered runs/rendered
	$(BIN)/galexplorer cross-fit runs/rendered runs/real --config configs/cross_fit.yaml --out runs/folds --resume
	$(BIN)/galexplorer evaluate --rendered runs/rendered --real runs/real --folds runs/folds --record --rows 2500 --bootstrap 100 --out runs/report
	$(BIN)/galexplorer evaluate --domain --record --workers 2
	$(BIN)/python scripts/performance.py

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
