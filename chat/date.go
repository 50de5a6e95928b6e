package chat

import (
	"fmt"
	"strings"
	"time"
)

// directives are those of strftime in the C locale, as layouts of Go.
var directives = map[byte]string{'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'd': "02", 'H': "15", 'I': "03", 'j': "002",
	'm': "01", 'M': "04", 'p': "PM", 'S': "05", 'y': "06", 'Y': "2006", 'F': "2006-01-02", 'T': "15:04:05"}

// strftime writes a time by a format of C.
func strftime(at time.Time, format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		i++
		if i < len(format) && format[i] == '%' {
			b.WriteByte('%')
			continue
		}
		layout := ""
		if i < len(format) {
			layout = directives[format[i]]
		}
		if layout == "" {
			return "", fmt.Errorf("found the date format %q with a directive that is not supported", format)
		}
		b.WriteString(at.Format(layout))
	}
	return b.String(), nil
}
