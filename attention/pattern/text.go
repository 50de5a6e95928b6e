package pattern

import (
	"fmt"
	"strings"
)

// maxTextCells bounds a text picture: no terminal is wider.
const maxTextCells = 1024

// Text draws the pattern in shape s as text in a frame: a row for each query and a column for each key, or, where there
// are more than limit of them, for as many together as make at most that many rows and columns. A cell is "█" where
// every pair of it is visible, "░" where some are and blank where none is, and two characters wide, since a
// terminal's are about twice as high. limit is 1 to 1024. Each line ends in a newline.
//
// Cost and errors are those of [Picture].
func Text(p Pattern, s Shape, limit int) (string, error) {
	if limit < 1 || limit > maxTextCells {
		return "", fmt.Errorf("pattern: found a picture of %d cells, expected 1 to %d", limit, maxTextCells)
	}
	g, err := Picture(p, s, limit)
	if err != nil {
		return "", err
	}
	return g.text(), nil
}

func (g *Grid) text() string {
	var b strings.Builder
	line := strings.Repeat("──", g.Cols)
	b.WriteString("┌" + line + "┐\n")
	for r := range g.Rows {
		b.WriteString("│")
		for c := range g.Cols {
			switch visible, all := g.Cell(r, c); visible {
			case 0:
				b.WriteString("  ")
			case all:
				b.WriteString("██")
			default:
				b.WriteString("░░")
			}
		}
		b.WriteString("│\n")
	}
	b.WriteString("└" + line + "┘\n")
	return b.String()
}
