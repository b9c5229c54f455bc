# Included by the Makefile: the targets that run the testsuite. BUILD says where the library and the analyzer are.
check: all
	BUILD=$(BUILD) testsuite/check

check-long: all
	BUILD=$(BUILD) testsuite/check --long

# The pages of docs/kinds, the kinds and the options in the manual; a report is stored anew where it says something else today.
docs: all
	testsuite/docs-examples --build $(BUILD) --write
	scripts/make-docs --build $(BUILD)

bench: all
	BUILD=$(BUILD) testsuite/bench/run

# Installs what is missing first, so that it works on a fresh clone; what needs no build is not rebuilt.
demo:
	scripts/setup
	$(MAKE) all
	testsuite/demo/run $(BUILD)
