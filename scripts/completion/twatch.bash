# bash completion for twatch; install as /usr/share/bash-completion/completions/twatch
# shellcheck shell=bash disable=SC2207 # words of twatch's own, without blanks

_twatch_options() {
    # One table for both halves: the keys are asked of the program, so that a new one needs no change here.
    twatch help options 2>/dev/null | sed -n 's/^  \([a-z_]*\)=.*/--\1=/p'
}

_twatch() {
    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-} i
    # bash splits words at '=': put "--key=value" together again.
    if [[ $cur == "=" && $COMP_CWORD -gt 1 ]]; then
        cur=
        set -- "${COMP_WORDS[COMP_CWORD - 1]}"
    elif [[ $COMP_CWORD -gt 2 && ${COMP_WORDS[COMP_CWORD - 1]} == "=" ]]; then
        set -- "${COMP_WORDS[COMP_CWORD - 2]}"
    else
        set -- ""
    fi
    COMPREPLY=()
    case $1 in
    --format) COMPREPLY=($(compgen -W "text json sarif junit html github dot" -- "$cur")); return ;;
    --fail-on | --fail_on) COMPREPLY=($(compgen -W "error warning note never" -- "$cur")); return ;;
    --color) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
    --races) COMPREPLY=($(compgen -W "on off sample" -- "$cur")); return ;;
    --on_deadlock) COMPREPLY=($(compgen -W "report abort exit" -- "$cur")); return ;;
    --follow | --python | --report) COMPREPLY=($(compgen -W "on off" -- "$cur")); return ;;
    --*) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    esac
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "run report merge status checks help --version" -- "$cur"))
        return
    fi
    if [[ $command == run ]]; then
        for ((i = 2; i < COMP_CWORD; i++)); do
            if [[ ${COMP_WORDS[i]} == -- ]]; then # behind it stands somebody else's command line
                if ((COMP_CWORD == i + 1)); then COMPREPLY=($(compgen -c -f -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi
                return
            fi
        done
    fi
    case $command in
    run | report)
        if [[ $cur == -* ]]; then
            local words="--format= --output= --fail-on= --error-exitcode= --suppressions= --baseline= --write-baseline= --verbose --optional --help"
            [[ $command == run ]] && words+=" --timeout= --keep --follow=no --log-path= --races=off --"
            [[ $command == report ]] && words+=" --threads --queues --contention --gen-suppressions"
            COMPREPLY=($(compgen -W "$words $(_twatch_options)" -- "$cur"))
            [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
        elif [[ $command == report ]]; then
            COMPREPLY=($(compgen -d -- "$cur") $(compgen -f -X '!*.twatch' -- "$cur"))
        fi
        ;;
    merge)
        if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--output= --help" -- "$cur")); compopt -o nospace 2>/dev/null
        else COMPREPLY=($(compgen -d -- "$cur") $(compgen -f -X '!*.twatch' -- "$cur")); fi
        ;;
    status) COMPREPLY=($(compgen -f -X '!*.twatch' -- "$cur") $(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur")) ;;
    checks) COMPREPLY=($(compgen -W "$(twatch checks 2>/dev/null | sed -n 's/^\([a-z-]*\) \[.*/\1/p')" -- "$cur")) ;;
    help) COMPREPLY=($(compgen -W "options run report merge status checks" -- "$cur")) ;;
    esac
}

complete -F _twatch twatch
