// <dub-timeline for="ID OF A VIDEO">: the lines of a film along its time, drawn by the server as an SVG of links.
// It moves the film to a line and the lines with the film, by mouse and by keys. Without it the links still lead to
// the lines. Times here are float seconds, for the player only; what is stored never comes from here.

const SHORTEST_VIEW = 4; // seconds that can be seen at the closest zoom
const INSIDE = 0.001; // seconds: a frame's time rounded down would be the frame before

class DubTimeline extends HTMLElement {
  connectedCallback() {
    this.film = document.getElementById(this.getAttribute("for"));
    this.svg = this.querySelector("svg");
    this.now = this.svg.querySelector(".now");
    this.duration = Number(this.svg.dataset.duration);
    this.span = this.duration;
    this.from = 0;
    this.time = 0;
    this.lines = [...this.svg.querySelectorAll("a")].sort((one, other) => one.dataset.start - other.dataset.start);
    this.heard = new AbortController();
    const listen = (place, kind, act) => place.addEventListener(kind, act, { signal: this.heard.signal });
    listen(this, "click", (event) => this.clicked(event));
    listen(document, "click", (event) => this.clickedElsewhere(event));
    listen(document, "keydown", (event) => this.pressed(event));
    listen(document, "htmx:load", (event) => this.loaded(event));
    listen(document, "htmx:sendError", () => this.unanswered());
    listen(window, "beforeunload", (event) => this.leaving(event));
    if (this.film) {
      listen(this.film, "timeupdate", () => this.moved(this.film.currentTime));
      listen(this.film, "seeked", () => this.moved(this.film.currentTime));
    }
    const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (wanted?.classList.contains("line")) this.goTo(wanted.id, { silent: true });
  }

  disconnectedCallback() {
    this.heard.abort();
  }

  clicked(event) {
    const line = event.target.closest("a");
    if (!line) {
      const place = this.svg.getBoundingClientRect();
      this.seek(this.from + ((event.clientX - place.left) / place.width) * this.span);
      return;
    }
    if (document.getElementById(line.dataset.line)) {
      event.preventDefault(); // else the link leads to the page that has the line
      this.goTo(line.dataset.line);
    }
  }

  clickedElsewhere(event) {
    const seek = event.target.closest("[data-start].seek");
    if (seek) this.goTo(seek.dataset.line, { stay: true });
    const take = event.target.closest("[data-play]");
    if (take && this.film) this.play(take);
  }

  play(take) {
    const [time, wasPlaying] = [this.film.currentTime, !this.film.paused];
    for (const other of document.querySelectorAll("[data-play]")) other.setAttribute("aria-pressed", other === take);
    this.film.src = take.dataset.play;
    this.film.addEventListener("loadedmetadata", () => { this.film.currentTime = time; }, { once: true });
    if (wasPlaying) this.film.play();
  }

  pressed(event) {
    const field = event.target.closest("input, textarea, select");
    if (field) {
      if (event.key === "Enter" && event.ctrlKey && field.form) field.form.requestSubmit();
      if (event.key === "Escape") field.blur();
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === " " && event.target.closest("button, a, summary, video")) return; // it presses that
    const act = {
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      Home: () => this.seek(0),
      End: () => this.seek(this.duration),
      " ": () => this.film && (this.film.paused ? this.film.play() : this.film.pause()),
      "+": () => this.zoom(0.5),
      "-": () => this.zoom(2),
    }[event.key];
    if (!act || event.target.closest("video")) return;
    event.preventDefault();
    act();
  }

  step(by) {
    const at = this.lines.findLastIndex((line) => line.dataset.start <= this.time + 2 * INSIDE);
    const next = this.lines[Math.min(Math.max(at + by, 0), this.lines.length - 1)];
    if (next) this.goTo(next.dataset.line);
  }

  goTo(id, { stay = false, silent = false } = {}) {
    const line = this.lines.find((each) => each.dataset.line === id);
    if (!line) return;
    this.seek(Number(line.dataset.start) + INSIDE);
    if (!stay && !silent) document.getElementById(id)?.scrollIntoView({ block: "center" });
  }

  seek(time) {
    const wanted = Math.min(Math.max(time, 0), this.duration);
    if (this.film) this.film.currentTime = wanted;
    this.moved(wanted);
  }

  zoom(by) {
    this.span = Math.min(Math.max(this.span * by, Math.min(SHORTEST_VIEW, this.duration)), this.duration);
    this.view(this.time - this.span / 2);
  }

  view(from) {
    this.from = Math.min(Math.max(from, 0), this.duration - this.span);
    this.svg.setAttribute("viewBox", `${this.from} 0 ${this.span} 40`);
  }

  moved(time) {
    this.time = time;
    this.now.setAttribute("x1", time);
    this.now.setAttribute("x2", time);
    if (time < this.from || time > this.from + this.span) this.view(time - this.span / 8);
    const line = this.lines.findLast((each) => each.dataset.start <= time && time < each.dataset.end);
    for (const old of document.querySelectorAll(".line[aria-current], dub-timeline a[aria-current]")) {
      if (old !== line && old.id !== line?.dataset.line) old.removeAttribute("aria-current");
    }
    line?.setAttribute("aria-current", "true");
    if (line) document.getElementById(line.dataset.line)?.setAttribute("aria-current", "true");
  }

  loaded(event) {
    if (!event.target.classList?.contains("line")) return;
    document.getElementById("message").replaceChildren();
    this.moved(this.time); // the line may be the one that is playing
    const isLost = document.activeElement === document.body; // what was pressed is gone with the old row
    if (isLost) event.target.querySelector("textarea").focus({ preventScroll: true });
  }

  unanswered() {
    const said = document.createElement("p");
    said.className = "problem";
    said.textContent = "The desk does not answer: it may have been closed. What you wrote is still here, and not saved.";
    document.getElementById("message").replaceChildren(said);
  }

  leaving(event) {
    const isDraft = (field) => field.value !== field.defaultValue;
    const isUnsaved = document.querySelector(".words [role=alert]"); // a conflict that nobody has settled
    if (isUnsaved || [...document.querySelectorAll(".words textarea")].some(isDraft)) event.preventDefault();
  }
}

customElements.define("dub-timeline", DubTimeline);
