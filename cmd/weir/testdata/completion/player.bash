# Completion of player for bash.
_player() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= flags= words= files= i
    COMPREPLY=()
    # bash takes --flag=value for three words.
    if [[ $cur == "=" ]]; then
        cur=
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then
            command=${COMP_WORDS[i]}
            break
        fi
    done
    case $command in
    '')
        flags='--help -h' words='play stop pause list' files=
        ;;
    'play')
        flags='--out --with --mode --speed --tune --loop -l --help -h' words='' files=yes
        case $prev in
        --out) flags= words='' files=yes ;;
        --with) flags= words='' files=yes ;;
        --mode) flags= words='loud soft' files= ;;
        --speed) flags= words='' files= ;;
        --tune) flags= words='high low' files= ;;
        esac
        ;;
    'stop')
        flags='--help -h' words='now later' files=
        ;;
    'pause')
        flags='--help -h' words='' files=
        ;;
    'list')
        flags='--help -h --long --out' words='all some' files=yes
        case $prev in
        --out) flags= words='' files=yes ;;
        esac
        ;;
    esac
    if [[ $cur == -* ]]; then
        words=$flags files=
    fi
    if [[ -z $files ]]; then
        compopt +o default 2>/dev/null
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _player player
