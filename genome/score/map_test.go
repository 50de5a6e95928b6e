package score

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/model"
)

func parseRegions(t *testing.T, s *Scorer, texts ...string) (all []genome.Region) {
	t.Helper()
	for _, text := range texts {
		r, err := genome.ParseRegion(s.ref, text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// A map has the scores of the SNVs, bit for bit, and leaves out N and the bases beside it and beside the ends.
func TestMapHasTheScoresOfSNVs(t *testing.T) {
	ref, bases := made(t)
	for _, strand := range []Strand{Both, Reverse} {
		s := newScorer(t, tiny(t, model.LM), ref, Options{By: BySite, Strand: strand}, 0)
		c, _ := ref.Find("1")
		var all []Substitutions
		report, err := s.Map(context.Background(), MapOptions{Regions: parseRegions(t, s, "1"), Base: func(m *Substitutions) error {
			all = append(all, *m)
			return nil
		}})
		alone := map[Strand]int{Both: 4, Reverse: 2}[strand]
		want := MapReport{Bases: 3000, Mapped: 2997 - alone, Letters: 3, Alone: alone}
		if err != nil || report != want || len(all) != want.Mapped {
			t.Fatalf("found %+v, want %+v, %v", report, want, err)
		}
		for _, m := range []Substitutions{all[0], all[1000], all[1498], all[len(all)-1]} {
			for i, alt := range []byte("ACGT") {
				if alt == m.Ref {
					continue
				}
				var got Score
				v := genome.Variant{Contig: "1", Pos: m.Pos + 1, Ref: string(m.Ref), Alts: []string{string(alt)}}
				if err := s.Score(context.Background(), []Allele{{c, v, &got}}); err != nil || got.Skip != genome.Used {
					t.Fatal(v, got.Skip, err)
				}
				if m.Ref != bases[m.Pos] || m.LLR[i] != got.LLR {
					t.Errorf("%v: found %v, want %v", v, m, got)
				}
			}
		}
	}
}

// mapText maps regions as a table. The text is cut where the map is stopped, after a number of chunks, and the report is of there.
func mapText(t *testing.T, s *Scorer, o MapOptions, chunks int) (string, MapReport) {
	t.Helper()
	var out bytes.Buffer
	w := NewMapTSV(&out)
	stopped := errors.New("stopped")
	o.Base = w.Base
	o.Chunk = func(MapReport) error {
		if chunks--; chunks == 0 {
			return stopped
		}
		return nil
	}
	report, err := s.Map(context.Background(), o)
	if err := errors.Join(err, w.Flush()); err != nil && !errors.Is(err, stopped) {
		t.Fatal(err)
	}
	return out.String(), report
}

func TestMapGoesOn(t *testing.T) {
	ref, _ := made(t)
	m := tiny(t, model.LM)
	s := newScorer(t, m, ref, Options{}, 0)
	regions := parseRegions(t, s, "1:11-500", "2", "1:1451-1600")
	want, all := mapText(t, s, MapOptions{Regions: regions}, 0)
	if all.Bases != 650 {
		t.Fatalf("%+v", all)
	}
	for _, chunks := range []int{1, 14, 15, 16, 17} {
		first, done := mapText(t, newScorer(t, m, ref, Options{}, 0), MapOptions{Regions: regions}, chunks)
		rest, report := mapText(t, newScorer(t, m, ref, Options{}, 0), MapOptions{Regions: regions, From: done}, 0)
		if first+rest != want || report != all || len(rest) == 0 || len(first) == 0 {
			t.Errorf("after %d chunks, %+v: the text or %+v differs from %+v", chunks, done, report, all)
		}
	}
	_, err := s.Map(context.Background(), MapOptions{Regions: regions, From: MapReport{Bases: 3}})
	if err == nil || !strings.Contains(err.Error(), "expected those of whole chunks of 35") {
		t.Errorf("found %v", err)
	}
	masked := newScorer(t, tiny(t, model.MaskedLM), ref, Options{}, 0)
	if _, err := masked.Map(context.Background(), MapOptions{}); err == nil || !strings.Contains(err.Error(), "found a scorer by windows") {
		t.Errorf("found %v", err)
	}
}

func TestMapFormats(t *testing.T) {
	m := Substitutions{Contig: "20", Pos: 99, Ref: 'C', LLR: [4]float64{-1.2345, 0, 0.0004, -12}}
	var out bytes.Buffer
	for _, c := range []struct {
		w    MapWriter
		want string
	}{
		{NewMapTSV(&out), "chrom\tpos\tref\tA\tC\tG\tT\n20\t100\tC\t-1.235\t.\t0.000\t-12.000\n"},
		{NewMapBedGraph(&out), "20\t99\t100\t-12.000\n"},
	} {
		out.Reset()
		if err := errors.Join(c.w.Header(), c.w.Base(&m), c.w.Flush()); err != nil || out.String() != c.want {
			t.Errorf("found %q, want %q, %v", &out, c.want, err)
		}
	}
	for v, want := range map[float64]string{0: "0.000", -0.0004: "0.000", -0.0005: "-0.001", 1.9996: "2.000", -103.02: "-103.020"} {
		if got := string(appendMilli(nil, v)); got != want {
			t.Errorf("%g: found %s, want %s", v, got, want)
		}
	}
	if got := string(appendMilli(nil, math.Copysign(0, -1))); got != "0.000" {
		t.Errorf("found %s", got)
	}
}
