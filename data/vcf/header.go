package vcf

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Header is what stands before the rows of a file. Text has all of it, byte for byte. The other fields are what this package understands.
type Header struct {
	Text    []byte // with the line ends, the line of column names included
	Version string // such as 4.2
	Contigs []Contig
	Infos   []Definition // of INFO
	Samples []string     // in the order of their columns
	Lines   int

	columns int // of a row: 8, or 9 and one for each sample
	names   int // where the line of column names begins in Text
}

// Contig is a line ##contig.
type Contig struct {
	ID       string
	Length   int    // in bases; 0 where the header has none
	Assembly string // as written; "" where the header has none
}

// Definition is a line ##INFO.
type Definition struct {
	ID          string
	Number      string // a number, A, R, G or "."
	Type        string // Integer, Float, Flag, Character or String
	Description string
}

// fixed are the columns that every file has.
var fixed = [...]string{"#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"}

// version reads the first line.
func (h *Header) version(line []byte) error {
	const begins = "##fileformat=VCFv"
	text := string(line)
	switch {
	case strings.HasPrefix(text, "\ufeff"):
		return fmt.Errorf("found a byte order mark; expected %q; take it out (sed '1s/^\\xEF\\xBB\\xBF//')", begins+"4.2")
	case strings.HasPrefix(text, "BCF\x02"):
		return fmt.Errorf("found BCF, the binary form; expected text; convert it (bcftools view in.bcf -Oz -o in.vcf.gz)")
	case !strings.HasPrefix(text, begins):
		return fmt.Errorf("found %s, expected %q; is this a VCF file?", quote(line), begins+"4.2")
	case !strings.HasPrefix(text, begins+"4."):
		return fmt.Errorf("found %s; versions 4.0 to 4.5 are read; convert it (vcftools' vcf-convert)", quote(line))
	}
	h.Version = strings.TrimSpace(text[len(begins):])
	return nil
}

// meta reads a line that begins with "##". What it does not understand stays in Text alone.
func (h *Header) meta(line []byte) {
	key, value, _ := strings.Cut(string(line[2:]), "=")
	switch key {
	case "contig":
		f := structured(value)
		n, err := strconv.Atoi(f["length"])
		if err != nil || n < 0 {
			n = 0
		}
		if f["ID"] != "" {
			h.Contigs = append(h.Contigs, Contig{f["ID"], n, f["assembly"]})
		}
	case "INFO":
		f := structured(value)
		if f["ID"] != "" {
			h.Infos = append(h.Infos, Definition{f["ID"], f["Number"], f["Type"], f["Description"]})
		}
	}
}

// structured reads <key=value,key="value">. In quotes a backslash stands before a quote and before a backslash. It stops at what is of
// another form.
func structured(text string) map[string]string {
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(text, "<")
	for ok {
		var key, value string
		if key, rest, ok = strings.Cut(rest, "="); !ok {
			break
		}
		if quoted, is := strings.CutPrefix(rest, `"`); is {
			value, rest = unquote(quoted)
		} else {
			n := strings.IndexAny(rest, ",>")
			if n < 0 {
				break
			}
			value, rest = rest[:n], rest[n:]
		}
		if _, twice := fields[key]; !twice {
			fields[key] = value
		}
		rest, ok = strings.CutPrefix(rest, ",")
	}
	return fields
}

// unquote reads up to the closing quote, and returns what follows it.
func unquote(text string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case text[i] == '"':
			return b.String(), text[i+1:]
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), ""
}

// columnNames reads the line that begins with "#CHROM".
func (h *Header) columnNames(line []byte) error {
	names := strings.Split(string(line), "\t")
	for i, name := range fixed {
		if i >= len(names) || names[i] != name {
			if len(names) == 1 && len(strings.Fields(names[0])) >= len(fixed) {
				return fmt.Errorf("found blanks between the names of columns, expected tabs; convert the file (tr -s ' ' '\\t')")
			}
			return fmt.Errorf("found %d columns that begin %s, expected the columns %s", len(names), quote(line), strings.Join(fixed[:], " "))
		}
	}
	h.columns = len(names)
	if len(names) == len(fixed) {
		return nil
	}
	if names[len(fixed)] != "FORMAT" {
		return fmt.Errorf("found column %q behind INFO, expected FORMAT", names[len(fixed)])
	}
	h.Samples = names[len(fixed)+1:]
	seen := make(map[string]bool, len(h.Samples))
	for _, s := range h.Samples {
		if s == "" || seen[s] {
			return fmt.Errorf("found sample %q twice or without a name; each sample needs a name of its own", s)
		}
		seen[s] = true
	}
	return nil
}

// Sample is the place of a sample among the samples.
func (h *Header) Sample(name string) (int, error) {
	for i, s := range h.Samples {
		if s == name {
			return i, nil
		}
	}
	if len(h.Samples) == 0 {
		return 0, fmt.Errorf("vcf: no sample %q: the file has no samples", name)
	}
	shown, more := h.Samples, ""
	if len(shown) > 5 {
		shown, more = shown[:5], " …"
	}
	return 0, fmt.Errorf("vcf: no sample %q; the file has %d: %s%s", name, len(h.Samples), strings.Join(shown, ", "), more)
}

// Info is the definition of an INFO field.
func (h *Header) Info(id string) (Definition, bool) {
	for _, d := range h.Infos {
		if d.ID == id {
			return d, true
		}
	}
	return Definition{}, false
}

// line is the definition as a line of a header, without its end.
func (d Definition) line() string {
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(d.Description)
	return fmt.Sprintf(`##INFO=<ID=%s,Number=%s,Type=%s,Description="%s">`, d.ID, d.Number, d.Type, escaped)
}

// lineEnd is the line end of the line of column names.
func (h *Header) lineEnd() string {
	if bytes.HasSuffix(h.Text, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// quote shows the beginning of a line.
func quote(line []byte) string {
	if len(line) > 60 {
		return fmt.Sprintf("%q…", line[:60])
	}
	return fmt.Sprintf("%q", line)
}
