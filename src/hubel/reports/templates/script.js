"use strict";
// Comfort only: everything on the page is there, and works, without this script.
(() => {
  const links = new Map(
    [...document.querySelectorAll(".directory a")].map((a) => [a.hash.slice(1), a]));
  const sections = [...document.querySelectorAll("main > section")];
  const follow = () => {
    const reached = sections.filter((s) => s.getBoundingClientRect().top < innerHeight * 0.4);
    const now = (reached.pop() || sections[0]).id;
    for (const [id, a] of links) {
      if (id === now) a.setAttribute("aria-current", "true");
      else a.removeAttribute("aria-current");
    }
  };
  addEventListener("scroll", follow, { passive: true });
  follow();

  // Arrow keys walk the cells of the matrix.
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const matrix = document.querySelector(".matrix");
  if (matrix) matrix.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const from = event.target.closest("td");
    if (!step || !from) return;
    event.preventDefault();
    let [row, column] = [from.parentElement.rowIndex, from.cellIndex];
    for (;;) {
      row += step[0];
      column += step[1];
      const cell = matrix.rows[row] && matrix.rows[row].cells[column];
      if (!cell) return;
      const link = cell.querySelector("a");
      if (link) return link.focus();
    }
  });

  if (navigator.clipboard) for (const box of document.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(box.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    box.append(button);
  }

  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details.problem")) details.open = true;
  });
})();
