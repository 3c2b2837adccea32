package alerts

import (
	"strconv"
	"strings"

	"weir/cep"
)

// An alert as a CloudEvent 1.0: its data is the alert as Item.AppendJSON gives it. Each
// version is an event of its own, named by MessageID.
const (
	cloudVersion = "1.0"
	cloudSource  = "/weir"
	cloudType    = "weir.alert." // and the kind
)

// MessageID names a version of an alert wherever it is sent: what comes twice has the same.
func (it *Item) MessageID() string { return it.ID + "." + strconv.Itoa(it.Version) }

// CloudHeaders are the attributes of the CloudEvent by the names that headers of messages
// have.
func (it *Item) CloudHeaders() [][2]string {
	return [][2]string{
		{"ce-specversion", cloudVersion},
		{"ce-id", it.MessageID()},
		{"ce-source", cloudSource},
		{"ce-type", cloudType + it.Kind.String()},
		{"ce-subject", it.Rule},
		{"ce-time", cep.FormatTime(it.Time)},
		{"ce-severity", it.Severity},
		{"content-type", "application/json"},
	}
}

// AppendCloudEvent appends the CloudEvent as one JSON object: the structured form.
func (it *Item) AppendCloudEvent(dst []byte) []byte {
	dst = append(dst, '{')
	for _, h := range it.CloudHeaders() {
		name, ok := strings.CutPrefix(h[0], "ce-")
		if !ok {
			name = "datacontenttype"
		}
		dst = cep.AppendJSONString(dst, name)
		dst = append(dst, ':')
		dst = cep.AppendJSONString(dst, h[1])
		dst = append(dst, ',')
	}
	dst = append(dst, `"data":`...)
	dst = it.AppendJSON(dst)
	return append(dst, '}')
}
