// Tells when schedules fire, by robfig/cron as Kubernetes' CronJob controller uses it.
//
// Each line of standard input is SCHEDULE|ZONE|START, the start in minutes since 1970; it is answered by the minutes
// from one firing to the next, five of them, fewer when robfig/cron finds no more. Zone data comes from $ZONEINFO.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const firings = 5

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "|")
		start, err := strconv.ParseInt(parts[2], 10, 64)
		if err != nil {
			log.Fatalf("%s: %v", lines.Text(), err)
		}
		// The controller puts the zone before the schedule (pkg/controller/cronjob, formatSchedule).
		schedule, err := cron.ParseStandard("TZ=" + parts[1] + " " + parts[0])
		if err != nil {
			log.Fatalf("%s: %v", lines.Text(), err)
		}
		moment := time.Unix(start*60, 0)
		var steps []string
		for range firings {
			next := schedule.Next(moment)
			if next.IsZero() {
				break
			}
			steps = append(steps, strconv.FormatInt((next.Unix()-moment.Unix())/60, 10))
			moment = next
		}
		fmt.Fprintln(out, strings.Join(steps, " "))
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}
