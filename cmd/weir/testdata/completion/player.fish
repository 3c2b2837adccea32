# Completion of player for fish.
function __player_command -d 'whether the command is one of these; without any, whether there is none'
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if not string match -q -- '-*' $word
            contains -- $word $argv
            return
        end
    end
    test (count $argv) -eq 0
end
complete -c player -f
complete -c player -n '__player_command' -l help -s h -d 'Show context-sensitive help'
complete -c player -n '__player_command' -a play -d 'Play a track: the first'
complete -c player -n '__player_command' -a stop -d 'Stop it'
complete -c player -n '__player_command' -a pause -d 'Wait'
complete -c player -n '__player_command' -a list -d 'List tracks'
complete -c player -n '__player_command play' -l out -r -F -d 'Where it\'s played: [left:right]'
complete -c player -n '__player_command play' -l with -r -F -d 'More'
complete -c player -n '__player_command play' -l mode -x -a 'loud soft' -d 'How'
complete -c player -n '__player_command play' -l speed -x -d 'How fast'
complete -c player -n '__player_command play' -l tune -x -a 'high low' -d 'Which'
complete -c player -n '__player_command play' -l loop -s l -d 'Again and again'
complete -c player -n '__player_command play' -l help -s h -d 'Show context-sensitive help'
complete -c player -n '__player_command play' -F
complete -c player -n '__player_command stop' -l help -s h -d 'Show context-sensitive help'
complete -c player -n '__player_command stop' -a 'now later'
complete -c player -n '__player_command pause' -l help -s h -d 'Show context-sensitive help'
complete -c player -n '__player_command list' -l help -s h -d 'Show context-sensitive help'
complete -c player -n '__player_command list' -l long -d 'More of it'
complete -c player -n '__player_command list' -l out -r -F -d 'Where'
complete -c player -n '__player_command list' -F
complete -c player -n '__player_command list' -a 'all some'
