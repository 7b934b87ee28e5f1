# Everything runs in .venv, made on first use with any Python >= 3.12 of this machine.
PYTHON = .venv/bin/python
INSTALLED = .venv/.installed

.PHONY: help demo picture test kernels sanitize docs look check-dist benchmark fuzz audit lint format clean .venv

help:
	@echo 'make demo       simulate a HelioCloud, map its time lags, save time_lag_map.png'
	@echo 'make test       check the style, run the whole test suite'
	@echo 'make kernels    compile the kernels again, after a change of C'
	@echo 'make sanitize   test the kernels with checks of addresses and undefined behaviour; needs gcc'
	@echo 'make docs       build the documentation into docs/_build/html, with the examples of the gallery'
	@echo 'make look       look at pages of the documentation in Chromium'
	@echo 'make check-dist build the wheel and the source distribution, and check them'
	@echo 'make benchmark  compare with the workflow that works frame by frame on whole images'
	@echo 'make soak       let servers, processes and disks fail, and print what it costs'
	@echo 'make fuzz       damage documents and files, read them, and print the results'
	@echo 'make audit      look for known vulnerabilities of the installed packages; needs the network'
	@echo 'make lint       check style, layers, docstrings, types;  make format: correct the style'
	@echo 'make clean      remove all generated files except .venv'

demo: $(INSTALLED)
	$(PYTHON) examples/time_lag_map.py

# The picture of the README and of the front page of the documentation.
picture: demo
	$(PYTHON) tools/shrink_picture.py time_lag_map.png docs/_static/time_lag_map.png

# In half as many processes again as there are processors (tests/conftest.py), each with whole files, whose fixtures are made
# once then. make test ARGS='-k graph' runs a part, ARGS='-n 0' one test after the other, without workers. Byte code is
# written, whatever the shell says: else each of the many processes of the tests would compile the package for itself.
test: export PYTHONDONTWRITEBYTECODE =
test: lint
	$(PYTHON) -m pytest -n logical --dist loadfile --no-loadscope-reorder $(ARGS)

kernels: $(INSTALLED)
	$(PYTHON) tools/compile_kernels.py

# The sanitizer has to be loaded before Python, whose own allocations it does not see as leaks.
# make sanitize RUN='fuzz --kinds rice resampling --minutes 30' fuzzes the kernels.
SANITIZED = build/sanitized
RUN = pytest -n 0 tests/kernels tests/io/test_tile_decoders.py
sanitize: $(INSTALLED)
	$(PYTHON) tools/compile_kernels.py --sanitize --folder $(SANITIZED)
	LD_PRELOAD="$$($${CC:-gcc} -print-file-name=libasan.so) $$($${CC:-gcc} -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0 SUNPY_HELIOCLOUD_KERNELS=$(abspath $(SANITIZED)) \
	    $(PYTHON) -m $(RUN) $(ARGS)

# Pages that were generated for removed names would cause warnings.
docs: $(INSTALLED)
	rm -rf docs/generated/api
	$(PYTHON) -m sphinx -E -b html -W -n --keep-going docs docs/_build/html
	$(PYTHON) tools/check_pages.py docs/_build/html

# Pictures of pages in docs/_build/looks, and what a reader could not read. It needs Chromium.
look: docs
	$(PYTHON) tools/look_at_pages.py docs/_build/html docs/_build/looks

# What would be published.
check-dist: $(INSTALLED)
	rm -rf dist
	$(PYTHON) -m build
	$(PYTHON) -m twine check --strict dist/*
	$(PYTHON) tools/check_dist.py dist

benchmark: $(INSTALLED)
	$(PYTHON) benchmarks/run.py $(ARGS)

# make soak ARGS='--what server --frames 720'; --help lists the options.
soak: $(INSTALLED)
	$(PYTHON) benchmarks/soak.py $(ARGS)

# make fuzz ARGS='--minutes 60' runs for an hour; --help lists the options.
fuzz: $(INSTALLED)
	$(PYTHON) -m fuzz $(ARGS)

audit: $(INSTALLED)
	$(PYTHON) -m pip_audit --local --skip-editable $(ARGS)

lint: $(INSTALLED)
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	.venv/bin/lint-imports
	$(PYTHON) tools/check_docstrings.py
	$(PYTHON) -m mypy

format: $(INSTALLED)
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

clean:
	rm -rf build dist docs/_build docs/generated time_lag_map.png .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv: $(INSTALLED)

# pip, since every Python has it, and because it compiles byte code, of all but this package: without it each process
# imports for 7 s.
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import pip, sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null \
	    || { python=$$(tools/find-python) && "$$python" -m venv --clear .venv; }
	@echo 'Installing into .venv; this takes about a minute.'
	$(PYTHON) -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	$(PYTHON) -m compileall -q sunpy_heliocloud
	@touch $@
