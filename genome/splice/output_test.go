package splice

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
)

func TestFormats(t *testing.T) {
	d := Delta{Gene: "a|b", AcceptorGain: Change{0.12345, -3}, DonorLoss: Change{1, 50}}
	scores := []Score{{Deltas: []Delta{d, {Gene: "c"}}}, {Skip: "star"}}
	for name, c := range map[string]struct {
		writer func(*bytes.Buffer) Writer
		want   string
	}{
		"own": {func(b *bytes.Buffer) Writer { return NewVCF(b, Field, "##by=me") },
			"AC=1;LongspanSplice=G|a%7Cb|0.1235|0.0000|0.0000|1.0000|-3|0|0|50,G|c|0.0000|0.0000|0.0000|0.0000|0|0|0|0;LongspanSpliceSkip=.,star\n"},
		"as SpliceAI": {func(b *bytes.Buffer) Writer { return NewVCF(b, SpliceAI, "##by=me") },
			"AC=1;SpliceAI=G|a%7Cb|0.12|0.00|0.00|1.00|-3|0|0|50,G|c|0.00|0.00|0.00|0.00|0|0|0|0;LongspanSpliceSkip=.,star\n"},
		"table": {func(b *bytes.Buffer) Writer { return NewTSV(b) },
			"chrom\tpos\tid\tref\talt\tgene\tds_ag\tds_al\tds_dg\tds_dl\tdp_ag\tdp_al\tdp_dg\tdp_dl\tskip\n" +
				"1\t5\t.\tA\tG\ta%7Cb\t0.1235\t0.0000\t0.0000\t1.0000\t-3\t0\t0\t50\t.\n" +
				"1\t5\t.\tA\tG\tc\t0.0000\t0.0000\t0.0000\t0.0000\t0\t0\t0\t0\t.\n" +
				"1\t5\t.\tA\t*\t.\t.\t.\t.\t.\t.\t.\t.\t.\tstar\n"},
	} {
		var out bytes.Buffer
		w := c.writer(&out)
		rec, header := nextRow(t, head+"1\t5\t.\tA\tG,*\t.\t.\tAC=1\n")
		if err := errors.Join(w.Header(header), w.Row(rec, scores), w.Flush()); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), c.want) {
			t.Errorf("%s: found %s", name, &out)
		}
		if name != "table" {
			again, header := nextRow(t, out.String())
			w := NewVCF(&out, Field)
			if err := errors.Join(w.Header(header), w.Row(again, scores)); err == nil || !strings.Contains(err.Error(), "already; take the fields") {
				t.Errorf("%s: written again: %v", name, err)
			}
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	m := tiny(t, model.Config{}).Model()
	global := tiny(t, model.Config{Layers: 1, Attention: []string{"window(3) | global(0)"}}).Model()
	learned := tiny(t, model.Config{Layers: 1, Attention: []string{"window(3)"}, Position: "learned", MaxTokens: 900}).Model()
	for want, c := range map[string]struct {
		m *model.Model
		o Options
	}{
		"a distance of -1":      {m, Options{Distance: -1}},
		"a distance of 20000":   {m, Options{Distance: 20000}},
		"a batch of -1":         {m, Options{Batch: -1}},
		"a context of -1":       {m, Options{Context: -1}},
		"reach all bases":       {global, Options{}},
		"the learned positions": {learned, Options{Context: 40}},
		"expected 1 to 1048576": {m, Options{Context: 1 << 21}},
	} {
		if _, err := c.o.For(c.m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found %v, want %s", err, want)
		}
	}
	if o, err := (Options{Context: 40}).For(global); err != nil || o.Context != 40 || o.Distance != 50 {
		t.Errorf("found %+v, %v", o, err)
	}
	if o, err := (Options{}).For(m); err != nil || o.Context != 12 || slices.Max(o.Lengths()) != o.longest() {
		t.Errorf("found %+v, %v", o, err)
	}
}
