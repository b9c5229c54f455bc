# Included by the Makefile: the targets that run the testsuite. BUILD says where the library and the analyzer are.
check: all
	BUILD=$(BUILD) testsuite/check

check-long: all
	BUILD=$(BUILD) testsuite/check --long

bench: all
	BUILD=$(BUILD) testsuite/bench/run

# Installs what is missing first, so that it works on a fresh clone; what needs no build is not rebuilt.
demo:
	scripts/setup
	$(MAKE) all
	testsuite/demo/run $(BUILD)
