// The page works without JavaScript; with it, ages are updated, reports can be sorted, and companies are found while typing.
"use strict";

const MINUTE = 60, HOUR = 3600, DAY = 86400;

function span(seconds) {
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) {
    const minutes = Math.floor((seconds % HOUR) / MINUTE);
    return `${Math.floor(seconds / HOUR)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  return `${Math.floor(seconds / DAY)} days`;
}

function age() {
  for (const shown of document.querySelectorAll("[data-ago]")) {
    const seconds = (Date.now() - Date.parse(shown.previousElementSibling.dateTime)) / 1000;
    shown.textContent = seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
  }
}

function value(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value ?? cell.textContent.trim();
}

function compare(one, other) {
  const difference = Number(one) - Number(other);
  return one !== "" && other !== "" && !Number.isNaN(difference) ? difference : one.localeCompare(other);
}

function sort(table, column) {
  const heads = table.tHead.rows[0].cells;
  const descending = heads[column].getAttribute("aria-sort") === "ascending";
  const rows = [...table.tBodies[0].rows];
  rows.sort((one, other) => (descending ? -1 : 1) * compare(value(one, column), value(other, column)));
  table.tBodies[0].append(...rows);
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table[data-sorts]")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(table, column));
    head.replaceChildren(button);
  });
}

const search = document.querySelector("[data-filters]");
const rows = [...(document.getElementById(search?.dataset.filters)?.rows ?? [])];
const companies = rows.filter((row) => !row.classList.contains("further"));
const count = document.getElementById("company-count");
const said = count.textContent;

search.addEventListener("input", () => {
  const words = search.value.trim().toLowerCase();
  for (const row of rows) row.hidden = !row.dataset.text.includes(words);
  const left = companies.filter((row) => !row.hidden).length;
  count.textContent = words ? `${left} of the ${companies.length} on this page; press Enter to search all` : said;
});

age();
setInterval(age, 10000);
