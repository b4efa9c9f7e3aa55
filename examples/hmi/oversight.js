/**
 * What did you do with this answer? A row of buttons under an answer of AI, for the pages of an HMI.
 *
 *   <p id="answer">Lower the mash to 62 °C.</p>
 *   <penstock-oversight record="01a1fb30-…" for="answer" endpoint="/oversight"></penstock-oversight>
 *   <script type="module" src="oversight.js"></script>
 *
 * Attributes: `record` (the answer's `Penstock-Record` header), `endpoint` (where accounts go; without it the gateway's own path on
 * this host), `for` (the id of the element with the answer's text), `language` (`en`, `de`; else that of the page), `comment` (asks
 * for a reason too). Property `headers`: an object, or a function that gives one or a promise of one, sent along: where the page tells
 * the gateway itself, the workload's and the operator's tokens. Property `credentials`: that of `fetch`.
 *
 * Events: `decide` at the press of a button, before anything is sent (`detail.decision`; a page that streams ends its stream on
 * `stopped`); `accounted` once the gateway has it on record (`detail` is its answer); `failed` if it does not take it.
 *
 * One file, no dependency, nothing from elsewhere. It runs under `default-src 'none'; script-src 'self'; connect-src 'self'`: no inline
 * style, no markup from text. What it counts as "on show" is the time in which the page is in front and the answer in sight.
 */

const DECISIONS = ["accepted", "edited", "rejected", "overridden", "stopped"];
const KEYS = { a: "accepted", e: "edited", r: "rejected", o: "overridden", s: "stopped" };
/** Longest wait between two tries, in milliseconds. */
const LONGEST = 30_000;

const TEXTS = {
  en: {
    group: "What did you do with this answer?",
    accepted: "Accept", edited: "Edit", rejected: "Reject", overridden: "Override", stopped: "Stop",
    edit: "What do you use instead?", comment: "Why? (optional)", save: "Save", cancel: "Cancel",
    sending: "Is being recorded …",
    again: "Not recorded yet. It is being tried again; leave this page open.",
    done: { accepted: "accepted", edited: "edited", rejected: "rejected", overridden: "overridden", stopped: "stopped" },
    recorded: (decision) => `Recorded: ${decision}.`,
    failed: (why) => `Not recorded: ${why}.`,
    change: "Change my mind",
    hint: "A, E, R, O, S",
  },
  de: {
    group: "Was haben Sie mit dieser Antwort gemacht?",
    accepted: "Übernehmen", edited: "Ändern", rejected: "Ablehnen", overridden: "Anders handeln", stopped: "Anhalten",
    edit: "Was verwenden Sie stattdessen?", comment: "Warum? (freiwillig)", save: "Speichern", cancel: "Abbrechen",
    sending: "Wird aufgezeichnet …",
    again: "Noch nicht aufgezeichnet. Es wird weiter versucht; lassen Sie diese Seite offen.",
    done: { accepted: "übernommen", edited: "geändert", rejected: "abgelehnt", overridden: "anders gehandelt", stopped: "angehalten" },
    recorded: (decision) => `Aufgezeichnet: ${decision}.`,
    failed: (why) => `Nicht aufgezeichnet: ${why}.`,
    change: "Anders entscheiden",
    hint: "A, E, R, O, S",
  },
};

const STYLE = `
  :host { display: block; font: inherit; color-scheme: light dark; }
  :host([hidden]) { display: none; }
  .row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin-block: .5rem; }
  button { font: inherit; min-block-size: 2.75rem; min-inline-size: 2.75rem; padding: .4rem 1rem; border: 1px solid GrayText;
    border-radius: .4rem; background: ButtonFace; color: ButtonText; cursor: pointer; }
  button:focus-visible, textarea:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
  button[aria-pressed="true"] { border: 2px solid; font-weight: bold; }
  button:disabled { color: GrayText; cursor: default; }
  textarea { font: inherit; inline-size: 100%; box-sizing: border-box; min-block-size: 6rem; }
  textarea.short { min-block-size: 3rem; }
  label { display: block; margin-block: .25rem; }
  p { margin-block: .25rem; min-block-size: 1.4em; }
  [hidden] { display: none; }
`;

/** The time in which something is in sight on a page that is in front. */
class Sight {
  #seen = 0;
  #since = null;
  #visible = false;
  #watch = new IntersectionObserver((entries) => {
    this.#visible = entries.at(-1).isIntersecting;
    this.#turn();
  });
  #turn = () => {
    const now = performance.now(), open = this.#visible && document.visibilityState === "visible";
    if (this.#since !== null) this.#seen += now - this.#since;
    this.#since = open ? now : null;
  };

  begin(element) {
    this.end();
    this.#seen = 0;
    this.#since = null;
    this.#watch.observe(element);
    document.addEventListener("visibilitychange", this.#turn);
  }

  end() {
    this.#watch.disconnect();
    document.removeEventListener("visibilitychange", this.#turn);
    this.#visible = false;
    this.#turn();
  }

  get milliseconds() {
    this.#turn();
    return Math.round(this.#seen);
  }
}

const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

export class PenstockOversight extends HTMLElement {
  static observedAttributes = ["record", "language", "for", "comment"];

  headers = {};
  credentials = "same-origin";
  #sight = new Sight();
  #parts = null;
  /** Counts what has been asked of it: an answer to what was asked before says nothing any more. */
  #turn = 0;
  #timer;
  /** Whether the keyboard is in here: a button that is not there any more must not lose it. */
  #held = false;

  connectedCallback() {
    this.#build();
    this.#begin();
  }

  disconnectedCallback() {
    this.#sight.end();
    clearTimeout(this.#timer);
    this.#turn++;
  }

  attributeChangedCallback(name, before, now) {
    if (!this.#parts || before === now) return;
    this.#build();
    this.#begin();
  }

  get endpoint() {
    return this.getAttribute("endpoint") ?? "/penstock/v1/oversight";
  }

  set endpoint(value) {
    this.setAttribute("endpoint", value);
  }

  get #texts() {
    const language = this.getAttribute("language") ?? this.closest("[lang]")?.lang ?? "";
    return TEXTS[language.slice(0, 2).toLowerCase()] ?? TEXTS.en;
  }

  get #answer() {
    return document.getElementById(this.getAttribute("for") ?? "");
  }

  #build() {
    const texts = this.#texts, root = this.shadowRoot ?? this.attachShadow({ mode: "open", delegatesFocus: true });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const button = (decision, index) => {
      const one = make("button", { type: "button", textContent: texts[decision], tabIndex: index === 0 ? 0 : -1 });
      one.dataset.decision = decision;
      one.setAttribute("aria-keyshortcuts", Object.keys(KEYS)[index].toUpperCase());
      one.addEventListener("click", () => this.#press(decision));
      return one;
    };
    const buttons = DECISIONS.map(button);
    const row = make("div", { className: "row" }, ...buttons);
    row.setAttribute("role", "toolbar");
    row.setAttribute("aria-label", texts.group);
    row.addEventListener("keydown", (event) => this.#key(event));
    const edited = make("textarea", { maxLength: 16_000 }), comment = make("textarea", { className: "short", maxLength: 2_000 });
    const saves = make("button", { type: "submit", textContent: texts.save });
    const cancels = make("button", { type: "button", textContent: texts.cancel });
    const form = make("form", { hidden: true },
      make("label", {}, texts.edit, edited), make("div", { className: "row" }, saves, cancels));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (edited.value.trim()) this.#decide("edited", edited.value);
      else edited.focus();
    });
    form.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    cancels.addEventListener("click", () => this.#close());
    const why = make("label", { hidden: !this.hasAttribute("comment") }, texts.comment, comment);
    const status = make("p"), change = make("button", { type: "button", textContent: texts.change, hidden: true });
    status.setAttribute("role", "status");
    change.addEventListener("click", () => this.#begin(true));
    root.replaceChildren(make("p", { textContent: texts.group }), row, form, why, make("div", { className: "row" }, status, change));
    this.#parts = { buttons, form, edited, comment, status, change };
  }

  /** Waits for a decision on the record that it has now. */
  #begin(again = false) {
    const { buttons, form, comment, status, change } = this.#parts;
    clearTimeout(this.#timer);
    this.#turn++;
    for (const button of buttons) {
      button.disabled = !this.getAttribute("record");
      button.setAttribute("aria-pressed", "false");
    }
    form.hidden = change.hidden = true;
    status.textContent = "";
    if (!again) comment.value = "";
    if (again) buttons[0].focus();
    else this.#sight.begin(this.#answer ?? this);
  }

  /** A toolbar: arrows go along it, letters press (WAI-ARIA Authoring Practices, toolbar). */
  #key(event) {
    const { buttons } = this.#parts, at = buttons.indexOf(this.shadowRoot.activeElement);
    const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 };
    if (event.ctrlKey || event.altKey || event.metaKey || at < 0) return;
    const decision = KEYS[event.key.toLowerCase()];
    if (event.key in steps) {
      const next = buttons[(steps[event.key] + buttons.length) % buttons.length];
      for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
      next.focus();
    } else if (decision && !event.repeat) {
      this.#press(decision);
    } else {
      return;
    }
    event.preventDefault();
  }

  #press(decision) {
    if (decision !== "edited") return this.#decide(decision);
    const { form, edited } = this.#parts;
    edited.value = this.#answer?.textContent.trim() ?? "";
    form.hidden = false;
    edited.focus();
  }

  #close() {
    const { form, buttons } = this.#parts;
    form.hidden = true;
    buttons[DECISIONS.indexOf("edited")].focus();
  }

  #decide(decision, edited) {
    const { buttons, form, comment, status } = this.#parts, turn = ++this.#turn;
    if (buttons[0].disabled) return;
    const shown = this.#sight.milliseconds, why = comment.value.trim();
    this.#held = this.shadowRoot.activeElement !== null;
    for (const button of buttons) {
      button.disabled = true;
      button.setAttribute("aria-pressed", String(button.dataset.decision === decision));
    }
    form.hidden = true;
    status.textContent = this.#texts.sending;
    this.#tell("decide", { decision });
    const body = { record: this.getAttribute("record"), decision, shown_ms: shown };
    if (edited !== undefined) body.edited = edited;
    if (why) body.comment = why;
    this.#send(JSON.stringify(body), turn, 1_000);
  }

  /** Sends it, again and again if nobody can take it now. */
  async #send(body, turn, wait) {
    let answer, told;
    try {
      const own = typeof this.headers === "function" ? await this.headers() : this.headers;
      const headers = { ...own, "Content-Type": "application/json" };
      const { endpoint, credentials } = this;
      answer = await fetch(endpoint, { method: "POST", headers, body, credentials, cache: "no-store", redirect: "error" });
      told = await answer.json().catch(() => ({}));
    } catch {
      answer = null;
    }
    if (turn !== this.#turn) return;
    if (answer?.ok) return this.#done(told);
    const code = typeof told?.code === "string" ? told.code : String(answer?.status ?? "");
    const later = !answer || answer.status >= 500 || answer.status === 429 || code === "record-open";
    if (!later) return this.#fail(code, told);
    this.#parts.status.textContent = this.#texts.again;
    this.#timer = setTimeout(() => this.#send(body, turn, Math.min(wait * 2, LONGEST)), wait);
  }

  #done(told) {
    const { status, change } = this.#parts, texts = this.#texts;
    status.textContent = texts.recorded(texts.done[told.decision] ?? "");
    change.hidden = false;
    if (this.#held) change.focus();
    this.#tell("accounted", told);
  }

  #fail(code, told) {
    const { buttons, status } = this.#parts;
    for (const button of buttons) {
      button.disabled = false;
      button.setAttribute("aria-pressed", "false");
    }
    status.textContent = this.#texts.failed(code);
    if (this.#held) buttons.find((button) => button.tabIndex === 0).focus();
    this.#tell("failed", { code, record: told?.record });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

customElements.define("penstock-oversight", PenstockOversight);
