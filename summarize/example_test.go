package summarize_test

import (
	"context"
	"fmt"

	"github.com/longspan/longspan/document"
	"github.com/longspan/longspan/summarize"
)

// A summary of one sentence, which points into the user's own bytes.
func Example() {
	text := "# Windows\n\nThe weather was *fine* on that day.\nIn this paper we propose *windows* of attention for long documents.\n"
	s, err := summarize.Open("")
	if err != nil {
		fmt.Println(err)
		return
	}
	d := document.Parse("note.md", text, 0, document.Markdown)
	r, err := s.Summarize(context.Background(), d, summarize.Options{Budget: summarize.Budget{Sentences: 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range r.Sentences {
		fmt.Println(c.Text)
		fmt.Println(text[c.From:c.To])
	}
	// Output:
	// In this paper we propose windows of attention for long documents.
	// In this paper we propose *windows* of attention for long documents.
}
