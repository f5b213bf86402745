// A picture of a corner plot that answers the pointer: it tells the values under it, and a drag
// selects a region. What was selected is the state `region`: [across, up, x0, x1, y0, y1], where up
// is null on a histogram; null for none.
const SVG = "http://www.w3.org/2000/svg";
const LEAST = 5; // pixels of the screen: a shorter drag is a click, which clears

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".corner");
  const image = root.querySelector("img");
  const overlay = root.querySelector("svg");
  const words = root.querySelector("output");
  const { panels, region } = data;
  if (image.src !== data.picture) image.src = data.picture;
  image.alt = data.alt;
  overlay.setAttribute("viewBox", `0 0 ${panels.width} ${panels.height}`);

  const draw = (place) => {
    overlay.replaceChildren();
    if (!place) return;
    const rect = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries(place)) rect.setAttribute(name, value);
    overlay.append(rect);
  };
  const number = (axis, value) =>
    value.toFixed(axis[2]).replace("-", "\u2212");
  const value = (axis, share) => axis[3] + share * (axis[4] - axis[3]);
  const share = (axis, value) => (value - axis[3]) / (axis[4] - axis[3]);
  const corner = (k) => [panels.left, panels.top].map((edge) => edge + k * panels.step);

  // Which panel a pointer is on, and where in it, as shares of its side.
  const locate = (event, held) => {
    const box = image.getBoundingClientRect();
    const scale = panels.width / box.width;
    const x = (event.clientX - box.x) * scale, y = (event.clientY - box.y) * scale;
    const column = held ? held.column : Math.floor((x - panels.left) / panels.step);
    const row = held ? held.row : Math.floor((y - panels.top) / panels.step);
    const across = (x - corner(column)[0]) / panels.side;
    const up = 1 - (y - corner(row)[1]) / panels.side;
    if (!held) {
      const inside = across >= 0 && across <= 1 && up >= 0 && up <= 1;
      if (!inside || column < 0 || column > row || row >= panels.axes.length) return null;
    }
    const clip = (v) => Math.min(1, Math.max(0, v));
    return { column, row, across: clip(across), up: clip(up), x: event.clientX, y: event.clientY };
  };

  const rectangle = (from, to) => {
    const [left] = corner(from.column), [, top] = corner(from.row);
    const whole = from.column === from.row; // a histogram: all heights
    const x = Math.min(from.across, to.across), y = Math.max(from.up, to.up);
    return {
      x: left + panels.side * x,
      y: whole ? top : top + panels.side * (1 - y),
      width: panels.side * Math.abs(to.across - from.across),
      height: whole ? panels.side : panels.side * Math.abs(to.up - from.up),
    };
  };

  const show = () => {
    if (!region) return draw(null);
    const [across, up, x0, x1, y0, y1] = region;
    const column = panels.axes.findIndex((axis) => axis[0] === across);
    const row = up === null ? column : panels.axes.findIndex((axis) => axis[0] === up);
    if (column < 0 || row < 0) return draw(null);
    const at = (x, y) => ({
      column, row,
      across: share(panels.axes[column], x),
      up: up === null ? 0 : share(panels.axes[row], y),
    });
    draw(rectangle(at(x0, y0), at(x1, y1)));
  };
  show();

  let begin = null;
  const tell = (place) => {
    words.hidden = !place;
    if (!place) return;
    const across = panels.axes[place.column], up = panels.axes[place.row];
    const parts = [`${across[1]} ${number(across, value(across, place.across))}`];
    if (across !== up) parts.push(`${up[1]} ${number(up, value(up, place.up))}`);
    words.textContent = parts.join(", ");
    const box = root.getBoundingClientRect();
    words.style.left = `${Math.min(place.x - box.x + 12, box.width - words.offsetWidth)}px`;
    words.style.top = `${place.y - box.y - 30}px`;
  };
  image.ondragstart = () => false;
  root.onpointerdown = (event) => {
    // a finger scrolls the page
    begin = event.pointerType === "touch" || event.button ? null : locate(event);
    if (begin) root.setPointerCapture(event.pointerId);
  };
  root.onpointermove = (event) => {
    const place = locate(event, begin);
    tell(place);
    root.style.cursor = place ? "crosshair" : "";
    if (begin) draw(rectangle(begin, place));
  };
  root.onpointerup = (event) => {
    if (!begin) return;
    const from = begin, to = locate(event, from);
    begin = null;
    const [across, up] = [panels.axes[from.column], panels.axes[from.row]];
    const wide = Math.abs(to.x - from.x), high = Math.abs(to.y - from.y);
    if (wide < LEAST || (across !== up && high < LEAST)) {
      draw(null);
      if (region) setStateValue("region", null);
      return;
    }
    const ends = (axis, a, b) => [value(axis, Math.min(a, b)), value(axis, Math.max(a, b))];
    setStateValue("region", [
      across[0], across === up ? null : up[0],
      ...ends(across, from.across, to.across), ...ends(up, from.up, to.up),
    ]);
  };
  root.onpointerleave = () => tell(null);
  root.onpointercancel = () => { begin = null; show(); };
}
