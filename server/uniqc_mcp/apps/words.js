// The words of the views. The English ones stand where they are used; this table has the Chinese.
// Statuses stay as they are, because filters and commands take them so; so do the server's notes.

const CHINESE = {
  "Quantum tasks": "量子任务",
  Tasks: "任务",
  Status: "状态",
  Task: "任务",
  Backend: "后端",
  Shots: "shots 数",
  Submitted: "提交",
  "Last heard": "最近消息",
  Id: "ID",
  Error: "错误",
  Note: "备注",
  Notes: "备注",
  Live: "实时",
  "Full screen": "全屏",
  "Leave full screen": "退出全屏",
  Close: "关闭",
  "Filter tasks": "筛选任务",
  "Filter by name, id, backend, status": "按名称、ID、后端或状态筛选",
  "Details of the task": "任务详情",
  "Follow changes": "跟踪变化",
  "This host lets no view ask the server.": "此客户端不允许视图查询服务器。",
  "No task matches the filter.": "没有符合筛选条件的任务。",
  "Reading the tasks…": "正在读取任务…",
  "No tasks match.": "没有符合条件的任务。",
  "Waiting for the tasks…": "正在等待任务…",
  "The tasks are not known.": "无法获知任务。",
  "{count} task": "{count} 个任务",
  "{count} tasks": "{count} 个任务",
  "{count} of {total} tasks": "{total} 个任务中的 {count} 个",
  "{count} of {total}": "{total} 中的 {count}",
  "at least {count}": "至少 {count}",
  "reading on…": "继续读取…",
  "ask with a filter for the others": "其余任务请加筛选条件查询",
  "was {status}": "原为 {status}",
  "{name} is {status}": "{name} 现为 {status}",
  "Sorted by {column}, ascending": "按{column}升序",
  "Sorted by {column}, descending": "按{column}降序",
  "In the order of the server": "按服务器的顺序",
  "The call was cancelled. {reason}": "调用已取消。{reason}",
  "Not live: {message}": "未能实时更新：{message}",
  "Read {time} from {place}.": "{time} 读自 {place}。",
  "The host does not answer.": "客户端没有响应。",
  "The host refused.": "客户端拒绝了请求。",
  "The server gave no answer.": "服务器没有回答。",
  unknown: "未知",
  "Order of the outcomes": "结果的顺序",
  "By count": "按次数",
  "By bits": "按比特串",
  Circuit: "线路",
  Register: "寄存器",
  "Compare with another task": "与另一任务比较",
  "Id or name of another task": "另一任务的 ID 或名称",
  "Id or name of a task to compare": "要比较的任务的 ID 或名称",
  Compare: "比较",
  Outcome: "测量结果",
  Outcomes: "测量结果",
  "No outcomes to draw.": "没有可显示的测量结果。",
  "Waiting for the result…": "正在等待结果…",
  "The result is not known.": "无法获知结果。",
  "The answer has no task.": "回答中没有任务。",
  "This task is shown already.": "该任务已显示。",
  "{count} task shown": "显示 {count} 个任务",
  "{count} tasks shown": "显示 {count} 个任务",
  Remove: "移除",
  "Remove {name}": "移除 {name}",
  "{count} shots": "{count} shots",
  "submitted {time}": "提交于 {time}",
  "{count} platform job": "{count} 个平台作业",
  "{count} platform jobs": "{count} 个平台作业",
  "job {index}": "作业 {index}",
  "bit order {order}": "比特顺序 {order}",
  "measured: {bits}": "测量：{bits}",
  "{count} of {total} outcomes are shown, the most frequent ones.":
    "显示 {total} 个测量结果中最常见的 {count} 个。",
  "A credential was hidden in {field}.": "{field} 中隐藏了一个凭据。",
  "Damaged in the file: {field}.": "文件中已损坏：{field}。",
};

let table = {};

// Simplified Chinese for the locales that are written so, else English.
function useLanguage(locale) {
  let language = "en";
  try {
    const { language: spoken, script } = new Intl.Locale(locale || navigator.language).maximize();
    if (spoken === "zh" && script === "Hans") language = "zh-CN";
  } catch {
    // An unknown locale of the host.
  }
  table = language === "en" ? {} : CHINESE;
  document.documentElement.lang = language;
  for (const [node, name, english] of PAGE_WORDS)
    if (name) node.setAttribute(name, phrase(english));
    else node.textContent = phrase(english);
}

// The words of a view in the language of the host, with values in their places.
function phrase(english, values = {}) {
  return (table[english] ?? english).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

// The words that stand in the page: of an element its attribute, or its text where the name is "".
const PAGE_WORDS = [...document.querySelectorAll("[data-words]")].flatMap((node) =>
  [
    ...["aria-label", "placeholder"].map((name) => [node, name, node.getAttribute(name)]),
    [node, "", node.childElementCount ? "" : node.textContent],
  ].filter(([, , english]) => english),
);
