// What the gateway tells by itself, each second. Where the stream is not to be had, it is asked instead; where nothing comes, that is said:
// an old number that looks new is worse than none.
import { get } from "./server.js";

const STALE = 6_000;
const AGAIN = 5_000;

export class Live {
  constructor({ heard, over, state }) {
    Object.assign(this, { heard, over, tell: state, last: 0, slot: null, lanes: new Map() });
  }

  begin() {
    this.open();
    this.look();
    this.timer = setInterval(() => this.judge(), 1_000);
  }

  end() {
    clearInterval(this.timer);
    clearTimeout(this.retry);
    this.source?.close();
    this.ended = true;
  }

  open() {
    if (this.ended) return;
    this.source = new EventSource("/api/v1/events");
    this.source.addEventListener("now", (event) => this.take(JSON.parse(event.data)));
    this.source.addEventListener("over", () => { this.end(); this.over(); });
    this.source.addEventListener("error", () => {
      if (this.source.readyState !== EventSource.CLOSED || this.ended) return;
      // Refused, and not just cut: there may be too many, or the session is over, which the next look shows.
      this.look();
      this.retry = setTimeout(() => this.open(), AGAIN);
    });
  }

  // Everything, with the last quarter of an hour.
  async look() {
    try {
      const now = await get("now");
      this.slot = now.slot;
      this.lanes = new Map(now.lanes.map((lane) => [lane.conduit, lane]));
      this.show(now, now.lanes);
    } catch { /* what is shown grows stale, and says so */ }
  }

  // A beat: lanes that are not in it have done nothing for a quarter of an hour.
  take(now) {
    if (this.ended) return;
    if (this.slot !== null && now.slot !== this.slot) this.look();
    const busy = new Map(now.lanes.map((lane) => [lane.conduit, lane]));
    const idle = { minute: { passed: 0, refused: 0, failed: 0 }, verdicts: {}, failed: 0, p50_ms: null, p95_ms: null };
    const lanes = [...this.lanes.values()].map((lane) => ({ ...lane, ...(busy.get(lane.conduit) ?? idle) }));
    if (this.lanes.size > 0) this.show(now, lanes);
  }

  show(now, lanes) {
    if (this.ended) return;
    this.last = performance.now();
    this.heard({ ...now, lanes });
    this.tell(true);
  }

  judge() {
    if (this.last && performance.now() - this.last > STALE) this.tell(false);
  }
}
