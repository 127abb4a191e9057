// The chooser: answers to questions, and the first rule that fits them.
// Rules and questions come from arraylab/choosing.py, by way of the page.

function choose(rules, answers) {
  return rules.find((rule) =>
    Object.entries(rule.when).every(([question, answer]) => answers[question] === answer)
  );
}

function start(box) {
  const { rules } = JSON.parse(box.dataset.guide);
  const form = box.querySelector("form");
  const said = box.querySelector(".bn-said");
  const items = [...box.querySelectorAll(".bn-rule")];

  function show() {
    const rule = choose(rules, Object.fromEntries(new FormData(form)));
    for (const item of items) {
      const chosen = item.id === `rule-${rule.name}`;
      item.classList.toggle("bn-chosen", chosen);
      if (chosen) {
        item.setAttribute("aria-current", "true");
        said.innerHTML = `Use ${item.querySelector(".bn-advice").innerHTML}: rule ` +
          `<a href="#${item.id}">${items.indexOf(item) + 1} of ${items.length}</a> ` +
          "is the first that fits.";
      } else {
        item.removeAttribute("aria-current");
      }
    }
  }

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
}

if (typeof document === "undefined") {
  module.exports = { choose };
} else {
  document.querySelectorAll(".bn-chooser").forEach(start);
}
