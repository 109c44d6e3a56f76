// Names and paths come from strangers: everything goes onto the page as text, nothing as markup.

export function text(element, value) {
  element.textContent = String(value);
}

export function cell(value, className = "") {
  const made = document.createElement("td");
  made.className = className;
  text(made, value);
  return made;
}

export function row(cells) {
  const made = document.createElement("tr");
  made.append(...cells);
  return made;
}

export function fillRows(table, rows) {
  table.tBodies[0].replaceChildren(...rows);
}

export function element(name, content, className = "") {
  const made = document.createElement(name);
  made.className = className;
  if (typeof content === "string") text(made, content);
  else made.append(...content);
  return made;
}
