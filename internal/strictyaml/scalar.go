package strictyaml

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The numbers of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#1032-tag-resolution). The library also reads those of YAML 1.1, some
// of which have another value: 010 is 8 in YAML 1.1 and 10 in YAML 1.2.
var (
	number = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|` +
		`0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	leadingZero = regexp.MustCompile(`^([-+]?)0+([0-9]+)$`)
)

// checkScalar refuses a value for a number or a truth value, of a Go kind, that YAML 1.1 and YAML 1.2 read differently.
func checkScalar(node *yaml.Node, known reflect.Kind, path string) error {
	value := node.Value
	switch {
	case known == reflect.Bool:
		if lower := strings.ToLower(value); lower != "true" && lower != "false" {
			return fmt.Errorf("found %q where true or false was expected", value)
		}
	case known < reflect.Int || known > reflect.Float64 || node.Tag != "!!int" && node.Tag != "!!float":
		// The library refuses what is no number.
	case leadingZero.MatchString(value):
		parts := leadingZero.FindStringSubmatch(value)
		octal := ""
		if parts[1] == "" && !strings.ContainsAny(parts[2], "89") {
			octal = fmt.Sprintf(", or 0o%s for octal", parts[2])
		}
		return fmt.Errorf("%s is %s; versions of YAML read a leading zero differently: write %s%s%s",
			path, value, parts[1], parts[2], octal)
	case strings.Contains(value, "_"):
		return fmt.Errorf("%s is %s, and YAML 1.2 has no underscores in numbers; write %s", path, value, strings.ReplaceAll(value, "_", ""))
	case !number.MatchString(value):
		return fmt.Errorf("%s is %s, which is no number in YAML 1.2; write it in decimal", path, value)
	}
	return nil
}
