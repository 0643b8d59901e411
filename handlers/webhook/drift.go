package webhook

import "time"

// jump is how far the clock must go back at once to be taken for set anew; less is the work of those who keep it right.
const jump = time.Second

// drift tells when the clock goes back. When what failed is tried again is kept by the clock, over restarts, so that a clock that is set back by a
// day would put every retry off by a day.
type drift struct {
	began time.Time     // when it was asked first, by the monotonic clock, which nobody sets
	first time.Time     // what the clock showed then
	ahead time.Duration // of what it would show had nobody set it
}

// wentBack tells whether the clock, which now shows this, has gone back since it was asked last.
func (d *drift) wentBack(now time.Time) bool {
	if d.began.IsZero() {
		d.began, d.first = time.Now(), now.Round(0)
		return false
	}
	ahead := now.Round(0).Sub(d.first) - time.Since(d.began)
	back := ahead < d.ahead-jump
	d.ahead = ahead
	return back
}
