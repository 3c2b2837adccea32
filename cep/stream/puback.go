package stream

import (
	"encoding/json"
	"strconv"
)

// acceptance is the answer to a message that is on the log, as JetStream gives it.
func acceptance(sequence uint64, repeated bool) []byte {
	text := strconv.AppendUint([]byte(`{"stream":"`+streamName+`","seq":`), sequence, 10)
	if repeated {
		text = append(text, `,"duplicate":true`...)
	}
	return append(text, '}')
}

// Codes of errors of JetStream, as its clients know them.
const (
	codeBadRequest  = 10003
	codeTemporarily = 10008
)

// refused is the answer to a message that was not taken in.
func refused(why error) []byte {
	var a struct {
		Stream string `json:"stream"`
		Error  struct {
			Code        int    `json:"code"`
			ErrCode     int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	a.Stream = streamName
	a.Error.Code, a.Error.Description = 503, why.Error()
	switch refusal(why) {
	case Invalid:
		a.Error.Code, a.Error.ErrCode = 400, codeBadRequest
	case Full:
		a.Error.ErrCode = codeStoreFailed
	case Busy:
		a.Error.Code, a.Error.ErrCode = 429, codeTemporarily
	default:
		a.Error.ErrCode = codeTemporarily
	}
	text, _ := json.Marshal(a) // of texts and numbers
	return text
}
