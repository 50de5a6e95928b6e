package model

import (
	"errors"
	"strings"
)

// stopper looks for stop strings in a text that comes in pieces. It withholds what may be the beginning of one.
type stopper struct {
	stops []string
	held  string
	found string // the stop string that came
}

// checkStops refuses stop strings that are everywhere.
func checkStops(stops []string) error {
	for _, s := range stops {
		if s == "" {
			return errors.New("model: found an empty stop string, expected a longer one")
		}
	}
	return nil
}

// next returns the text that a piece completes, up to a stop string. Of several that come with the piece, the one that begins first counts.
func (s *stopper) next(piece string) (text string) {
	s.held += piece
	first := -1
	for _, stop := range s.stops {
		if at := strings.Index(s.held, stop); at >= 0 && (first < 0 || at < first) {
			first, s.found = at, stop
		}
	}
	if first >= 0 {
		text, s.held = s.held[:first], ""
		return text
	}
	keep := 0
	for _, stop := range s.stops {
		keep = max(keep, overlap(s.held, stop))
	}
	text, s.held = s.held[:len(s.held)-keep], s.held[len(s.held)-keep:]
	return text
}

// finish returns what is withheld: no stop string will come.
func (s *stopper) finish() (text string) {
	text, s.held = s.held, ""
	return text
}

// overlap is the length of the longest end of text that is a proper beginning of stop.
func overlap(text, stop string) int {
	for n := min(len(text), len(stop)-1); n > 0; n-- {
		if strings.HasSuffix(text, stop[:n]) {
			return n
		}
	}
	return 0
}
