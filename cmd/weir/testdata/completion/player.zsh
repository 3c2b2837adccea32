#compdef player
# Completion of player for zsh.
_player() {
    local curcontext=$curcontext context state state_descr ret=1
    local -a line commands
    typeset -A opt_args
    commands=(
        'play:Play a track: the first'
        'stop:Stop it'
        'pause:Wait'
        'list:List tracks'
    )
    _arguments -C \
        '(-h --help)-h[Show context-sensitive help]' '(-h --help)--help[Show context-sensitive help]' \
        '1: :->command' \
        '*:: :->words' && ret=0
    case $state in
    command)
        _describe -t commands command commands && ret=0
        ;;
    words)
        case $line[1] in
        play)
            _arguments \
                '(--out)--out=[Where it'\''s played\: \[left\:right\]]: :_files' \
                '*--with=[More]: :_files' \
                '(--mode)--mode=[How]: :(loud soft)' \
                '(--speed)--speed=[How fast]: :' \
                '(--tune)--tune=[Which]: :(high low)' \
                '(-l --loop)-l[Again and again]' '(-l --loop)--loop[Again and again]' \
                '(-h --help)-h[Show context-sensitive help]' '(-h --help)--help[Show context-sensitive help]' \
                '*: :_files' && ret=0
            ;;
        stop)
            _arguments \
                '(-h --help)-h[Show context-sensitive help]' '(-h --help)--help[Show context-sensitive help]' \
                '*: :(now later)' && ret=0
            ;;
        pause)
            _arguments \
                '(-h --help)-h[Show context-sensitive help]' '(-h --help)--help[Show context-sensitive help]' && ret=0
            ;;
        list)
            _arguments \
                '(-h --help)-h[Show context-sensitive help]' '(-h --help)--help[Show context-sensitive help]' \
                '(--long)--long[More of it]' \
                '(--out)--out=[Where]: :_files' \
                '1: :(all some)' \
                '*: :_files' && ret=0
            ;;
        esac
        ;;
    esac
    return ret
}
if [[ $funcstack[1] == _player ]]; then
    _player "$@"
else
    compdef _player player
fi
