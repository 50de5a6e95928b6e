//go:build slow

package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// childRun and childRecipe tell a copy of this test program where to train, and what, until it is killed.
const (
	childRun    = "LONGSPAN_TEST_RUN"
	childRecipe = "LONGSPAN_TEST_RECIPE"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childRun); dir != "" {
		if err := trainInChild(dir, os.Getenv(childRecipe)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func trainInChild(dir, path string) error {
	r, err := recipe.Load(path, nil)
	if err != nil {
		return err
	}
	sets, err := r.Data.Open(r.Train.Seed)
	if err != nil {
		return err
	}
	if err := r.Fit(sets); err != nil {
		return err
	}
	x := tensor.Exec{Pool: tensor.NewPool()}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		return err
	}
	job, err := r.Job(sets, m, x)
	if err != nil {
		return err
	}
	_, err = train.Run(context.Background(), dir, job)
	if errors.Is(err, train.ErrExists) {
		_, err = train.Resume(context.Background(), dir, job)
	}
	return err
}

// child starts a copy of this program that trains in dir.
func child(t *testing.T, dir, path string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childRun+"="+dir, childRecipe+"="+path)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// Real models of every kind, killed at random instants at least twenty times in one run and resumed each time, end
// with the bits of a run that was never killed.
func TestRealModelsKilled(t *testing.T) {
	texts := textFiles(t)
	for name, text := range smallRecipes {
		t.Run(name, func(t *testing.T) {
			r := parseSmall(t, text, texts)
			r.Train.Steps, r.Train.Checkpoint.Every, r.Train.Eval.Every = 1500, 10, 100
			b, err := r.YAML()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "recipe.yaml")
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			whole, parts := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
			began := time.Now()
			if err := child(t, whole, path).Wait(); err != nil {
				t.Fatal(err)
			}
			// Twenty lives of a thirtieth of the run on average, the starts of the processes among them, do not finish it.
			longest := int64(time.Since(began) / 15)
			random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
			kills := 0
			for ; ; kills++ {
				cmd := child(t, parts, path)
				if kills < 20 {
					time.Sleep(time.Duration(random.Int64N(longest)))
					if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
						t.Fatal(err)
					}
				}
				if cmd.Wait() == nil {
					break
				}
			}
			if kills < 20 {
				t.Fatalf("the run ended after %d kills; it needs more steps", kills)
			}
			newest := filepath.Join("checkpoints", "step-000001500.safetensors")
			for _, file := range []string{train.ModelName, newest} {
				if contents(t, filepath.Join(whole, file)) != contents(t, filepath.Join(parts, file)) {
					t.Errorf("%s differs", file)
				}
			}
		})
	}
}
