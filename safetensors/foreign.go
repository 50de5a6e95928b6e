package safetensors

import "github.com/longspan/longspan/internal/foreign"

// identify returns an error that names the format of a file with this head, its first bytes, and a remedy; nil if the head may belong
// to a safetensors file or is not known.
func identify(head []byte) error {
	if len(head) == 0 {
		return malformed("the file is empty; the download or copy was perhaps interrupted: get it again")
	}
	if len(head) > 8 && head[8] == '{' {
		return nil
	}
	if is, remedy := foreign.Identify(head); is != "" {
		return malformed("it is %s; %s", is, remedy)
	}
	return nil
}
