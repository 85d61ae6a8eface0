// SPDX-License-Identifier: Apache-2.0
#include "sim/study/sweep/results.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sim/core/errors.h"
#include "sim/metrics/text_file.h"

namespace orrery {
namespace {

/// `ORRY`: in the file's header, so that `file` and we can tell whose it is.
constexpr std::int64_t kApplicationId = 0x4f525259;
constexpr std::int64_t kFormat = 1;

constexpr std::string_view kTables = R"(
  CREATE TABLE points (key TEXT PRIMARY KEY, program, replication, config) WITHOUT ROWID;
  CREATE TABLE results (key TEXT PRIMARY KEY, status, error) WITHOUT ROWID;
  CREATE TABLE hosts (key TEXT PRIMARY KEY) WITHOUT ROWID;
)";

/// A name in SQL, where key paths have dots and brackets.
std::string in_quotes(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    text += c;
    if (c == '"') text += c;
  }
  return text + '"';
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// A field of RFC 4180.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return in_quotes(text);
}

/// One SQL statement.
class Statement {
 public:
  Statement(sqlite3* database, const std::string& sql) : database_(database) {
    if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK) fail();
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// The next `?`.
  void bind(const Cell& cell) {
    ++bound_;
    int code = SQLITE_OK;
    if (const auto* whole = std::get_if<std::int64_t>(&cell)) {
      code = sqlite3_bind_int64(statement_, bound_, *whole);
    } else if (const auto* number = std::get_if<double>(&cell)) {
      code = sqlite3_bind_double(statement_, bound_, *number);
    } else if (const auto* text = std::get_if<std::string>(&cell)) {
      code = sqlite3_bind_text(statement_, bound_, text->data(), static_cast<int>(text->size()),
                               SQLITE_TRANSIENT);
    } else {
      code = sqlite3_bind_null(statement_, bound_);
    }
    if (code != SQLITE_OK) fail();
  }

  /// True if there is a row.
  bool step() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) fail();
    return code == SQLITE_ROW;
  }

  /// To be bound and stepped anew.
  void reset() {
    sqlite3_reset(statement_);
    bound_ = 0;
  }

  [[nodiscard]] int columns() const { return sqlite3_column_count(statement_); }
  [[nodiscard]] Cell at(int column) const {
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_INTEGER:
        return std::int64_t{sqlite3_column_int64(statement_, column)};
      case SQLITE_FLOAT:
        return sqlite3_column_double(statement_, column);
      case SQLITE_NULL:
        return {};
      default: {
        const unsigned char* text = sqlite3_column_text(statement_, column);
        const int bytes = sqlite3_column_bytes(statement_, column);
        return std::string(text, text + bytes);
      }
    }
  }

 private:
  [[noreturn]] void fail() const { throw RunError(sqlite3_errmsg(database_)); }

  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

}  // namespace

class SweepResults::Database {
 public:
  explicit Database(std::string path) : path_(std::move(path)) {
    if (sqlite3_open(path_.c_str(), &handle_) != SQLITE_OK) {
      const std::string what = sqlite3_errmsg(handle_);
      sqlite3_close(handle_);
      throw ConfigError({path_, 0, 0}, "--out", what);
    }
    try {
      sqlite3_busy_timeout(handle_, 10'000);
      claim();
    } catch (const RunError& error) {
      sqlite3_close(handle_);
      throw ConfigError({path_, 0, 0}, "--out", error.what());
    } catch (...) {
      sqlite3_close(handle_);
      throw;
    }
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const std::string& sql) {
    char* message = nullptr;
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
    const std::string what = message != nullptr ? message : "unknown trouble";
    sqlite3_free(message);
    throw RunError(fmt::format("{}: {}", path_, what));
  }

  [[nodiscard]] Statement prepare(const std::string& sql) { return {handle_, sql}; }

  /// All or, if `work` throws, nothing.
  template <class Work>
  void transaction(Work work) {
    execute("BEGIN IMMEDIATE");
    try {
      work();
      execute("COMMIT");
    } catch (...) {
      sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
      throw;
    }
  }

  [[nodiscard]] std::vector<std::string> columns_of(std::string_view table) {
    std::vector<std::string> names;
    Statement rows(handle_, fmt::format("PRAGMA table_info({})", table));
    while (rows.step()) names.push_back(text_of(rows.at(1)));
    return names;
  }

  /// True if one was missing.
  bool add_columns(std::string_view table, const std::vector<std::string>& names) {
    std::vector<std::string> there = columns_of(table);
    bool added = false;
    for (const std::string& name : names) {
      if (holds(there, name)) continue;
      execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", table, in_quotes(name)));
      there.push_back(name);
      added = true;
    }
    return added;
  }

  enum class Rest { kForget, kKeep };
  /// A row of named cells, the first of them its key, in place of the row with that key, whose
  /// other cells are forgotten or kept.
  void put_row(std::string_view table, const NamedCells& cells, Rest rest) {
    std::string names;
    std::string places;
    std::string updates;
    for (const auto& [name, cell] : cells) {
      names += (names.empty() ? "" : ", ") + in_quotes(name);
      places += places.empty() ? "?" : ", ?";
      updates += fmt::format("{}{} = excluded.{}", updates.empty() ? "" : ", ", in_quotes(name),
                             in_quotes(name));
    }
    std::string sql = fmt::format("INSERT {} INTO {} ({}) VALUES ({})",
                                  rest == Rest::kForget ? "OR REPLACE" : "", table, names, places);
    if (rest == Rest::kKeep) sql += " ON CONFLICT (key) DO UPDATE SET " + updates;
    Statement insert(handle_, sql);
    for (const auto& [name, cell] : cells) insert.bind(cell);
    insert.step();
  }

 private:
  [[nodiscard]] std::int64_t number(const std::string& sql) {
    Statement statement(handle_, sql);
    return statement.step() ? std::get<std::int64_t>(statement.at(0)) : 0;
  }

  /// Makes the tables of a new file; refuses what is not ours.
  void claim() {
    const std::int64_t owner = number("PRAGMA application_id");
    const bool is_new = owner == 0 && number("SELECT count(*) FROM sqlite_schema") == 0;
    if (!is_new && owner != kApplicationId) {
      throw ConfigError({path_, 0, 0}, "--out", "is a database, but not one of orrery sweep");
    }
    if (!is_new && number("PRAGMA user_version") != kFormat) {
      throw ConfigError({path_, 0, 0}, "--out",
                        "was written by another version of orrery, in another format");
    }
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    if (!is_new) return;
    transaction([&] {
      // Another sweep may have been first since we looked.
      if (number("SELECT count(*) FROM sqlite_schema") != 0) return;
      execute(std::string(kTables));
      execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId,
                          kFormat));
    });
  }

  std::string path_;
  sqlite3* handle_ = nullptr;
};

namespace {

/// The columns of `table` as they stand in a SELECT, but for those in `except`.
std::string selected(std::string_view table, const std::vector<std::string>& columns,
                     const std::vector<std::string>& except) {
  std::string list;
  for (const std::string& column : columns) {
    if (!holds(except, column)) list += fmt::format(", {}.{}", table, in_quotes(column));
  }
  return list;
}

std::vector<std::string> names_of(const NamedCells& cells) {
  std::vector<std::string> names;
  for (const auto& [name, cell] : cells) names.push_back(name);
  return names;
}

NamedCells with_key(const std::string& key, const NamedCells& cells) {
  NamedCells row = {{"key", key}};
  row.insert(row.end(), cells.begin(), cells.end());
  return row;
}

}  // namespace

SweepResults::SweepResults(const std::string& path) : database_(std::make_unique<Database>(path)) {}

SweepResults::~SweepResults() = default;

void SweepResults::add_points(const SweepPlan& plan) {
  database_->transaction([&] {
    database_->add_columns("points", plan.columns);
    database_->add_columns("results", metric_names());
    const std::vector<std::string> of_points = database_->columns_of("points");
    const std::string point_list = selected("points", of_points, {"config"});
    const std::string result_list =
        selected("results", database_->columns_of("results"), of_points);
    database_->execute(fmt::format(
        "DROP VIEW IF EXISTS runs; CREATE VIEW runs AS SELECT {}{} FROM points LEFT JOIN results "
        "ON results.key = points.key",
        point_list.substr(2), result_list));
    for (const SweepPoint& point : plan.points) {
      NamedCells row = {{"key", point.key},
                        {"program", plan.program},
                        {"replication", point.replication},
                        {"config", point.scenario.config_json}};
      for (std::size_t i = 0; i < plan.columns.size(); ++i) {
        row.emplace_back(plan.columns[i], point.values[i]);
      }
      // Columns of another sweep that has this very run too stay.
      database_->put_row("points", row, Database::Rest::kKeep);
    }
  });
}

bool SweepResults::is_done(const std::string& key) {
  Statement found = database_->prepare("SELECT 1 FROM results WHERE key = ? AND status = 'done'");
  found.bind(key);
  return found.step();
}

void SweepResults::put(const RunRow& row) {
  database_->transaction([&] {
    database_->add_columns("results", names_of(row.metrics));
    database_->add_columns("hosts", names_of(row.host));
    NamedCells result = with_key(row.key, {{"status", row.error.empty() ? "done" : "failed"},
                                           {"error", row.error.empty() ? Cell() : row.error}});
    result.insert(result.end(), row.metrics.begin(), row.metrics.end());
    database_->put_row("results", result, Database::Rest::kForget);
    database_->put_row("hosts", with_key(row.key, row.host), Database::Rest::kForget);
  });
}

void SweepResults::write_csv(const SweepPlan& plan, const std::string& path) {
  // The order in which columns were added may depend on the order in which runs ended.
  std::vector<std::string> metrics = metric_names();
  const std::vector<std::string> there = database_->columns_of("results");
  const std::set<std::string> sorted(there.begin(), there.end());
  for (const std::string& name : sorted) {
    if (!holds(metrics, name)) metrics.push_back(name);
  }
  std::vector<std::string> columns = {"key", "replication"};
  columns.insert(columns.end(), plan.columns.begin(), plan.columns.end());
  std::string list = selected("points", columns, {});
  std::vector<std::string> of_results = {"status", "error"};
  for (std::string& name : metrics) {
    if (!holds(columns, name) && !holds(of_results, name)) of_results.push_back(std::move(name));
  }
  list += selected("results", of_results, {});
  columns.insert(columns.end(), of_results.begin(), of_results.end());

  TextFile file(path);
  const auto write_row = [&](const auto& field) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      file.write((i == 0 ? "" : ",") + csv_field(field(i)));
    }
    file.write("\n");
  };
  write_row([&](std::size_t i) { return columns[i]; });
  Statement row = database_->prepare(
      fmt::format("SELECT {} FROM points LEFT JOIN results ON results.key = points.key WHERE "
                  "points.key = ?",
                  list.substr(2)));
  for (const SweepPoint& point : plan.points) {
    row.bind(point.key);
    row.step();
    write_row([&](std::size_t i) { return text_of(row.at(static_cast<int>(i))); });
    row.reset();
  }
  file.close();
}

}  // namespace orrery
