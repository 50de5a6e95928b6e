package summarize

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/longspan/longspan/document"
)

// Example is a document with the summary that someone wrote of it.
type Example struct {
	ID       string
	Source   string // the collection; tables have a column for each
	Document *document.Document
	Summary  []string // sentences
}

// reference is the summary with a sentence a line.
func (e *Example) reference() string { return strings.Join(e.Summary, "\n") }

// ReadExamples reads JSON lines: "summary", a text or its sentences; the document as in document.ParseLine ("text", or "title" and
// "sections"); and if there are "id" and "source". Other fields are not read, so that an abstract beside the document does not tell what is
// to be found. The file may be packed with gzip.
func ReadExamples(ctx context.Context, path string) (all []Example, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	text, err := io.ReadAll(io.LimitReader(r, mostExampleBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(text) > mostExampleBytes {
		return nil, fmt.Errorf("%s: found more than %d bytes, the largest collection; split it", path, mostExampleBytes)
	}
	number := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		number++
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := parseExample(fmt.Sprintf("%s:%d", path, number), line)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: found no examples, expected a JSON object a line with a document and its summary", path)
	}
	return all, nil
}

// mostExampleBytes bounds a collection, unpacked.
const mostExampleBytes = 1 << 30

func parseExample(name, line string) (e Example, err error) {
	if e.Document, err = document.ParseLine(name, line); err != nil {
		return e, err
	}
	var fields struct {
		ID      any
		Source  any
		Summary json.RawMessage
	}
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		return e, fmt.Errorf("%s: %w", name, err)
	}
	if fields.ID != nil {
		e.ID = fmt.Sprint(fields.ID)
	}
	if fields.Source != nil {
		e.Source = fmt.Sprint(fields.Source)
	}
	var text string
	if json.Unmarshal(fields.Summary, &e.Summary) != nil {
		if err := json.Unmarshal(fields.Summary, &text); err != nil {
			return e, fmt.Errorf("%s: found no field summary that is a text or an array of sentences", name)
		}
		e.Summary = strings.Split(text, "\n")
	}
	if strings.TrimSpace(strings.Join(e.Summary, "")) == "" {
		return e, fmt.Errorf("%s: the summary is empty", name)
	}
	return e, nil
}
