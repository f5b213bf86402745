// The picture of the galaxy under the pointer, on a chart whose points carry the galaxies' rows.
// Streamlit says nothing of hovering, so Plotly's own event is listened to. Where the pointer rests
// is the state `row`; its answer is a picture, kept for the next time.
const REST_MS = 120, MOST = 200, AWAY_PX = 18;
// A click elsewhere may change the page. A request of the page before, which arrives when the next
// is drawn, would leave it empty, so none is sent for longer than an answer takes.
const CLICK_MS = 2000;
// Plotly tells of no end of hovering when one of these begins.
const MOVES = ["plotly_unhover", "plotly_selecting", "plotly_selected", "plotly_deselect",
  "plotly_relayouting", "plotly_relayout"];

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".pointed-galaxy");
  const image = root.querySelector("img");
  const held = (root.held ??= { row: null, place: [0, 0], pictures: new Map(), until: 0 });
  if (data.picture) {
    if (held.pictures.size >= MOST) held.pictures.clear();
    held.pictures.set(data.row, data);
  }
  held.ask = (row) => setStateValue("row", row);
  held.show = () => {
    if (!held.plot?.isConnected) held.row = null; // another chart took its place
    const known = held.pictures.get(held.row);
    root.hidden = !known;
    if (!known) return;
    image.src = known.picture;
    image.alt = known.alt;
    root.style.left = root.style.top = "0px";
    const origin = root.getBoundingClientRect(); // not the window's corner in every container
    const [x, y] = held.place;
    const right = x + AWAY_PX + origin.width < window.innerWidth;
    const below = y + AWAY_PX + origin.height < window.innerHeight;
    const left = right ? x + AWAY_PX : x - AWAY_PX - origin.width;
    const top = below ? y + AWAY_PX : y - AWAY_PX - origin.height;
    root.style.left = `${left - origin.x}px`;
    root.style.top = `${top - origin.y}px`;
  };
  held.show();

  held.point ??= (row, place) => {
    clearTimeout(held.timer);
    Object.assign(held, { row, place });
    held.show();
    if (row !== null && !held.pictures.has(row)) {
      const wait = Math.max(REST_MS, held.until - performance.now());
      held.timer = setTimeout(() => root.isConnected && held.ask(row), wait);
    }
  };
  held.clear ??= () => {
    if (held.row !== null) held.point(null, [0, 0]);
  };
  held.pause ??= ({ target }) => {
    if (target.closest?.(`.st-key-${data.chart} .js-plotly-plot`)) return;
    held.until = performance.now() + CLICK_MS;
    clearTimeout(held.timer);
  };
  held.listen ??= ({ target, pointerType }) => {
    if (!root.isConnected) {
      document.removeEventListener("pointerover", held.listen);
      document.removeEventListener("scroll", held.clear, true);
      document.removeEventListener("click", held.pause, true);
      return;
    }
    if (pointerType === "touch") return; // a finger selects at once
    const plot = target.closest?.(`.st-key-${data.chart} .js-plotly-plot`);
    if (!plot) held.clear();
    if (!plot?.on) return;
    held.plot = plot;
    plot.tells = held;
    if (plot.heard === plot.on) return;
    plot.heard = plot.on; // another function once the chart is drawn anew in the same element
    plot.on("plotly_hover", ({ points, event }) =>
      plot.tells.point([points[0].customdata].flat()[0] ?? null, [event.clientX, event.clientY]));
    for (const move of MOVES) plot.on(move, () => plot.tells.clear());
  };
  // in every run, since a run may be undone while it is awaited: the same function twice is once
  document.addEventListener("pointerover", held.listen);
  document.addEventListener("scroll", held.clear, true);
  document.addEventListener("click", held.pause, true);
}
