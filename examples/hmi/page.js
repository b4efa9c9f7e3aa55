// The page of an HMI that asks a copilot. What belongs to Penstock is one element and its `record`.
import "./oversight.js";

const TEXTS = {
  de: { ask: "Den Copiloten fragen", send: "Senden", said: "Rat", failed: "Der Copilot antwortet nicht." },
  en: { ask: "Ask the copilot", send: "Send", said: "Advice", failed: "The copilot does not answer." },
};
const language = new URLSearchParams(location.search).get("lang") === "de" ? "de" : "en";
const [form, question, answer, oversight] = ["form", "question", "answer", "oversight"].map((id) => document.getElementById(id));

document.documentElement.lang = language;
for (const element of document.querySelectorAll("[data-text]")) element.textContent = TEXTS[language][element.dataset.text];
oversight.setAttribute("language", language);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  oversight.removeAttribute("record");
  answer.textContent = "…";
  try {
    const asked = await fetch("/ask", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ question: question.value }),
    });
    const told = await asked.json();
    answer.textContent = asked.ok ? told.answer : TEXTS[language].failed;
    if (asked.ok) oversight.setAttribute("record", told.record);
  } catch {
    answer.textContent = TEXTS[language].failed;
  }
});
