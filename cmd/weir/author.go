package main

import (
	"os/user"

	"weir/cep"
)

// operator is who runs a command that changes something, and why.
func operator(reason string) cep.Audit {
	who := cep.Audit{Author: "operator", Reason: reason, What: "command"}
	if u, err := user.Current(); err == nil {
		named := who
		named.Author = u.Username
		if named.Check() == nil {
			return named
		}
	}
	return who
}
