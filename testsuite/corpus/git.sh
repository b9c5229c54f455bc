# git: commits, a threaded pack, a grep in threads, many small processes.
. "$HERE/lib.sh"
need git
export HOME=$WORK GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
git config --global user.name n && git config --global user.email e@example.org && git config --global init.defaultBranch main
mkdir repository && cd repository || exit 1
under git init -q .
for round in 1 2 3; do
    for i in $(seq 60); do echo "$round $i $(data 300 | head -c 250)" >file$i; done
    under git add . && under git commit -q -m "round $round"
done
under git -c pack.threads=2 repack -adfq
under git -c grep.threads=4 grep -c 7919 | wc -l
under git -c index.threads=4 status --short | wc -l
under git rev-parse HEAD^{tree}
under git fsck --strict 2>/dev/null | wc -l
under git log --oneline | wc -l
