package addr

import "time"

// retuneEvery is how often settings that a macvlan needs and that could not be written
// are tried again: no event reports that they can be.
const retuneEvery = 10 * time.Second

// retune tries those settings again.
func (w *Worker) retune() {
	if now := w.cfg.Now(); !now.Before(w.nextRetuning) {
		w.nextRetuning = now.Add(retuneEvery)
		w.macvlans.RetryTuning()
	}
}
