package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/machine"
	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/tensor"
)

// infoReport is what `info` reports.
type infoReport struct {
	Version string      `json:"version"`
	Go      string      `json:"go"`
	CPU     string      `json:"cpu"`
	Levels  []string    `json:"levels"` // all that this processor has, lowest first
	Level   string      `json:"level"`  // the one in use
	Threads int         `json:"threads"`
	Memory  memory.Info `json:"memory"`
	Peaks   *peaks      `json:"peaks,omitempty"`
}

// peaks are what this machine was measured to do at most, at the level in use.
type peaks struct {
	One peaksOf `json:"one_thread"`
	All peaksOf `json:"all_threads"`
}

type peaksOf struct {
	F32  float64 `json:"f32_gflops"`
	BF16 float64 `json:"bf16_gflops"`
	GBs  float64 `json:"memory_gbs"`
}

func measurePeaks(threads int) peaksOf {
	return peaksOf{machine.Flops(tensor.F32, threads), machine.Flops(tensor.BF16, threads), machine.Bandwidth(threads)}
}

func newInfo(o *output) *cobra.Command {
	var quick bool
	c := &cobra.Command{
		Use:   "info",
		Short: "Show the version, the processor and its levels, the peaks measured here, and the memory",
		Args:  arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			m, err := inspect()
			if err != nil {
				return err
			}
			if !quick {
				m.Peaks = &peaks{measurePeaks(1), measurePeaks(m.Threads)}
			}
			return o.print(m, m.write)
		},
	}
	c.Flags().BoolVar(&quick, "quick", false, "skip the peaks, which take a second to measure")
	return c
}

func inspect() (infoReport, error) {
	chosen, err := cpu.Chosen()
	if err != nil {
		return infoReport{}, usage(err)
	}
	m := infoReport{
		Version: version(), Go: runtime.Version(), CPU: cpuid.CPU.BrandName, Level: chosen.String(),
		Threads: runtime.GOMAXPROCS(0), Memory: memory.Read(),
	}
	for _, l := range cpu.Levels() {
		m.Levels = append(m.Levels, l.String())
	}
	return m, nil
}

// version is the module's version, or the commit it was built from where there is none.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := build.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	version := "devel"
	for _, s := range build.Settings {
		switch {
		case s.Key == "vcs.revision":
			version += "-" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			version += "-modified"
		}
	}
	return version
}

func (m infoReport) write(w io.Writer) {
	fmt.Fprintf(w, "version    %s (%s)\n", m.Version, m.Go)
	fmt.Fprintf(w, "processor  %s\n", m.CPU)
	fmt.Fprintf(w, "levels     %s; in use: %s\n", strings.Join(m.Levels, ", "), m.Level)
	fmt.Fprintf(w, "threads    %d\n", m.Threads)
	fmt.Fprintf(w, "memory     %s, %s available\n", memory.Format(m.Memory.Total), memory.Format(m.Memory.Available))
	if m.Peaks == nil {
		return
	}
	fmt.Fprintf(w, "\n%-12s %10s %10s\n", "peak", "1 thread", fmt.Sprintf("%d threads", m.Threads))
	for _, row := range []struct {
		name     string
		one, all float64
	}{
		{"f32 GFLOP/s", m.Peaks.One.F32, m.Peaks.All.F32},
		{"bf16 GFLOP/s", m.Peaks.One.BF16, m.Peaks.All.BF16},
		{"memory GB/s", m.Peaks.One.GBs, m.Peaks.All.GBs},
	} {
		fmt.Fprintf(w, "%-12s %10.1f %10.1f\n", row.name, row.one, row.all)
	}
}
