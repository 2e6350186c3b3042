for (const fix of document.querySelectorAll(".fix")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = COPY;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(fix.querySelector("code").textContent);
    button.textContent = COPIED;
    setTimeout(() => { button.textContent = COPY; }, 1500);
  });
  fix.append(button);
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[i].dataset.sort;
      const order = (a, b) => {
        if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
        const numeric = head.classList.contains("numeric");
        const by = numeric ? key(a) - key(b) : key(a).localeCompare(key(b));
        return down ? -by : by;
      };
      body.append(...[...body.rows].sort(order));
    });
  });
}
