// The picture of the galaxy under the pointer, on a chart whose points carry the galaxies' rows.
// Streamlit says nothing of hovering, so Plotly's own event is listened to. Where the pointer rests
// is the state `row`; its answer is a picture, kept for the next time.
const REST_MS = 120, MOST = 200, AWAY_PX = 18;

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".pointed-galaxy");
  const image = root.querySelector("img");
  const held = (root.held ??= { row: null, place: [0, 0], pictures: new Map() });
  if (data.picture) {
    if (held.pictures.size >= MOST) held.pictures.clear();
    held.pictures.set(data.row, data);
  }
  held.ask = (row) => setStateValue("row", row);
  held.show = () => {
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
      held.timer = setTimeout(() => held.ask(row), REST_MS);
    }
  };
  held.listen ??= ({ target, pointerType }) => {
    if (!root.isConnected) document.removeEventListener("pointerover", held.listen);
    if (!root.isConnected || pointerType === "touch") return; // a finger selects at once
    const plot = target.closest?.(`.st-key-${data.chart} .js-plotly-plot`);
    if (!plot?.on || plot.tells === held.point) return;
    if (!plot.tells) {
      plot.on("plotly_hover", ({ points, event }) =>
        plot.tells([points[0].customdata].flat()[0] ?? null, [event.clientX, event.clientY]));
      plot.on("plotly_unhover", () => plot.tells(null, [0, 0]));
    }
    plot.tells = held.point;
  };
  // in every run, since a run may be undone while it is awaited: the same function twice is once
  document.addEventListener("pointerover", held.listen);
}
