/* The plain loops that the connectors are measured against: the same statements, librdkafka with the same settings, and nothing
 * else. One table with an integer primary key `id`; values are integers, reals and texts.
 *
 *   yardstick sqlite-to-topic   DATABASE TABLE BOOTSTRAP TOPIC plain|envelope
 *   yardstick postgres-to-topic URI      TABLE BOOTSTRAP TOPIC plain
 *   yardstick topic-to-sqlite   DATABASE TABLE BOOTSTRAP TOPIC ROWS      (upsert; the table exists)
 *   yardstick topic-to-postgres URI      TABLE BOOTSTRAP TOPIC ROWS copy|upsert
 *
 * Prints {"rows":N,"seconds":S,"cpu_seconds":C}; connecting and preparing are outside the time. Records must be plain JSON
 * objects whose fields stand in column order, or such objects in a schema envelope. */
#include <inttypes.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { kColumnsMax = 64, kBatchRows = 3000, kTextMax = 1 << 16, kRowMax = 1 << 18 };

static void die(const char* what, const char* why) {
  fprintf(stderr, "yardstick: %s: %s\n", what, why);
  exit(1);
}

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static double cpu_now(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}
static void report(int64_t rows, double began, double cpu_began) {
  printf("{\"rows\":%" PRId64 ",\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n", rows, seconds_now() - began, cpu_now() - cpu_began);
}

/* --- JSON out ------------------------------------------------------------------------------------------------------------- */
static char row_text[kRowMax];
static size_t row_size;

static void put(const char* bytes, size_t size) {
  if (row_size + size > sizeof row_text) die("row", "too large");
  memcpy(row_text + row_size, bytes, size);
  row_size += size;
}
static void put_integer(int64_t value) {
  char text[24];
  char* at = text + sizeof text;
  uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do {
    *--at = (char)('0' + left % 10);
    left /= 10;
  } while (left != 0);
  if (value < 0) *--at = '-';
  put(at, (size_t)(text + sizeof text - at));
}
static void put_real(double value) {
  char text[40];
  put(text, (size_t)snprintf(text, sizeof text, "%.17g", value));
}
static void put_string(const char* bytes, size_t size) {
  put("\"", 1);
  size_t from = 0;
  for (size_t i = 0; i < size; ++i) {
    const unsigned char c = (unsigned char)bytes[i];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    char escape[8];
    put(bytes + from, i - from);
    put(escape, (size_t)snprintf(escape, sizeof escape, c < 0x20 ? "\\u%04x" : "\\%c", c));
    from = i + 1;
  }
  put(bytes + from, size - from);
  put("\"", 1);
}

/* --- librdkafka ----------------------------------------------------------------------------------------------------------- */
static int64_t acknowledged;
static void on_delivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque) {
  (void)client;
  (void)opaque;
  if (message->err) die("delivery", rd_kafka_err2str(message->err));
  ++acknowledged;
}
static rd_kafka_t* open_client(rd_kafka_type_t type, const char* bootstrap) {
  char text[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const char* settings[][2] = {{"bootstrap.servers", bootstrap}, {"partitioner", "murmur2_random"}, {"enable.idempotence", "true"},
                               {"linger.ms", "5"}, {"batch.size", "1000000"}, {"queue.buffering.max.messages", "1000000"},
                               {"queue.buffering.max.kbytes", "65536"}};
  const char* consumer[][2] = {{"bootstrap.servers", bootstrap}, {"group.id", "yardstick"}, {"enable.auto.commit", "false"},
                               /* librdkafka looks at a full queue again only after a second: never full. */
                               {"queued.max.messages.kbytes", "2097151"}, {"queued.min.messages", "10000000"}};
  const size_t count = type == RD_KAFKA_PRODUCER ? sizeof settings / sizeof *settings : sizeof consumer / sizeof *consumer;
  for (size_t i = 0; i < count; ++i) {
    const char** pair = type == RD_KAFKA_PRODUCER ? settings[i] : consumer[i];
    if (rd_kafka_conf_set(conf, pair[0], pair[1], text, sizeof text) != RD_KAFKA_CONF_OK) die(pair[0], text);
  }
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_t* client = rd_kafka_new(type, conf, text, sizeof text);
  if (client == NULL) die("librdkafka", text);
  return client;
}
static void produce(rd_kafka_t* client, rd_kafka_topic_t* topic, const char* key, size_t key_size) {
  while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, row_text, row_size, key, key_size, NULL) != 0) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) die("produce", rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_poll(client, 10);
  }
}
static void finish(rd_kafka_t* client) {
  while (rd_kafka_flush(client, 1000) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
  }
}

/* --- SQLite to topic ------------------------------------------------------------------------------------------------------ */
static size_t envelope_prefix(char* to, size_t room, sqlite3_stmt* select, const char* table) {
  size_t n = (size_t)snprintf(to, room, "{\"schema\":{\"type\":\"struct\",\"fields\":[");
  for (int c = 0; c < sqlite3_column_count(select); ++c) {
    const char* declared = sqlite3_column_decltype(select, c);
    const char* type = declared == NULL || strcmp(declared, "TEXT") == 0 ? "string" : strcmp(declared, "REAL") == 0 ? "double" : "int64";
    n += (size_t)snprintf(to + n, room - n, "%s{\"type\":\"%s\",\"optional\":true,\"field\":\"%s\"}", c == 0 ? "" : ",", type,
                          sqlite3_column_name(select, c));
  }
  return n + (size_t)snprintf(to + n, room - n, "],\"optional\":false,\"name\":\"%s\"},\"payload\":", table);
}

static void sqlite_to_topic(const char* path, const char* table, const char* bootstrap, const char* topic_name, int envelope) {
  sqlite3* db;
  sqlite3_stmt* select;
  char sql[256];
  char prefix[8192];
  char names[kColumnsMax][128];
  size_t name_sizes[kColumnsMax];
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) die(path, sqlite3_errmsg(db));
  snprintf(sql, sizeof sql, "select * from \"%s\" order by id", table);
  if (sqlite3_prepare_v2(db, sql, -1, &select, NULL) != SQLITE_OK) die(sql, sqlite3_errmsg(db));
  const int columns = sqlite3_column_count(select);
  const size_t prefix_size = envelope_prefix(prefix, sizeof prefix, select, table);
  for (int c = 0; c < columns; ++c) {
    name_sizes[c] = (size_t)snprintf(names[c], sizeof names[c], "%s\"%s\":", c == 0 ? "{" : ",", sqlite3_column_name(select, c));
  }
  rd_kafka_t* client = open_client(RD_KAFKA_PRODUCER, bootstrap);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, topic_name, NULL);
  int64_t rows = 0;
  const double began = seconds_now();
  const double cpu = cpu_now();
  while (sqlite3_step(select) == SQLITE_ROW) {
    row_size = 0;
    if (envelope) put(prefix, prefix_size);
    for (int c = 0; c < columns; ++c) {
      put(names[c], name_sizes[c]);
      switch (sqlite3_column_type(select, c)) {
        case SQLITE_INTEGER: put_integer(sqlite3_column_int64(select, c)); break;
        case SQLITE_FLOAT: put_real(sqlite3_column_double(select, c)); break;
        case SQLITE_NULL: put("null", 4); break;
        default: put_string((const char*)sqlite3_column_text(select, c), (size_t)sqlite3_column_bytes(select, c));
      }
    }
    put("}", 1);
    if (envelope) put("}", 1);
    char key[64];
    const int key_size = snprintf(key, sizeof key, "{\"id\":%" PRId64 "}", (int64_t)sqlite3_column_int64(select, 0));
    produce(client, topic, key, (size_t)key_size);
    if (++rows % 1000 == 0) rd_kafka_poll(client, 0);
  }
  finish(client);
  report(rows, began, cpu);
  if (acknowledged != rows) die("delivery", "not everything was acknowledged");
}

static void postgres_to_topic(const char* uri, const char* table, const char* bootstrap, const char* topic_name) {
  char sql[256];
  PGconn* db = PQconnectdb(uri);
  if (PQstatus(db) != CONNECTION_OK) die("postgres", PQerrorMessage(db));
  rd_kafka_t* client = open_client(RD_KAFKA_PRODUCER, bootstrap);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, topic_name, NULL);
  int64_t rows = 0;
  PQclear(PQexec(db, "begin"));
  snprintf(sql, sizeof sql, "declare c no scroll cursor for select * from \"%s\" order by id", table);
  PGresult* declared = PQexec(db, sql);
  if (PQresultStatus(declared) != PGRES_COMMAND_OK) die(sql, PQerrorMessage(db));
  PQclear(declared);
  const double began = seconds_now();
  const double cpu = cpu_now();
  for (;;) {
    PGresult* result = PQexec(db, "fetch 2000 from c");
    if (PQresultStatus(result) != PGRES_TUPLES_OK) die("fetch", PQerrorMessage(db));
    const int count = PQntuples(result);
    const int columns = PQnfields(result);
    for (int r = 0; r < count; ++r) {
      row_size = 0;
      for (int c = 0; c < columns; ++c) {
        put(c == 0 ? "{\"" : ",\"", 2);
        put(PQfname(result, c), strlen(PQfname(result, c)));
        put("\":", 2);
        const char* text = PQgetvalue(result, r, c);
        const size_t size = (size_t)PQgetlength(result, r, c);
        if (PQgetisnull(result, r, c)) put("null", 4);
        else if (PQftype(result, c) == 25) put_string(text, size);
        else put(text, size);
      }
      put("}", 1);
      char key[64];
      const int key_size = snprintf(key, sizeof key, "{\"id\":%s}", PQgetvalue(result, r, 0));
      produce(client, topic, key, (size_t)key_size);
    }
    rows += count;
    rd_kafka_poll(client, 0);
    PQclear(result);
    if (count == 0) break;
  }
  finish(client);
  report(rows, began, cpu);
}

/* --- topic to database ---------------------------------------------------------------------------------------------------- */
struct Cell {
  enum { kNull, kInteger, kReal, kText } kind;
  int64_t integer;
  double real;
  const char* text;
  size_t size;
};
static char unescaped[kTextMax];
static size_t unescaped_size;

static const char* read_string(const char* at, struct Cell* cell) {
  const char* begin = ++at;
  while (*at != '"' && *at != '\\') ++at;
  if (*at == '"') {
    cell->text = begin;
    cell->size = (size_t)(at - begin);
    return at + 1;
  }
  char* to = unescaped + unescaped_size;
  cell->text = to;
  for (at = begin; *at != '"'; ++at) {
    if (*at != '\\') *to++ = *at;
    else if (*++at == 'u') {
      *to++ = (char)strtol((char[]){at[3], at[4], 0}, NULL, 16);
      at += 4;
    } else *to++ = *at == 'n' ? '\n' : *at == 't' ? '\t' : *at;
  }
  cell->size = (size_t)(to - cell->text);
  unescaped_size += cell->size;
  return at + 1;
}

/* Reads a flat object whose fields stand in column order; returns the number of cells. */
static int read_row(const char* value, size_t size, struct Cell* cells) {
  const char* at = value;
  unescaped_size = 0;
  if (size > 10 && memcmp(value, "{\"schema\"", 9) == 0) {
    at = memmem(value, size, "\"payload\":", 10);
    if (at == NULL) die("record", "an envelope without payload");
    at += 10;
  }
  int n = 0;
  for (++at; *at != '}' && n < kColumnsMax; ++n) {
    struct Cell* cell = &cells[n];
    at = strchr(at, ':') + 1;
    if (*at == '"') {
      cell->kind = kText;
      at = read_string(at, cell);
    } else if (*at == 'n') {
      cell->kind = kNull;
      at += 4;
    } else {
      char* end;
      cell->text = at;
      cell->kind = kInteger;
      cell->integer = strtoll(at, &end, 10);
      if (*end == '.' || *end == 'e' || *end == 'E') {
        cell->kind = kReal;
        cell->real = strtod(at, &end);
      }
      cell->size = (size_t)(end - at);
      at = end;
    }
    if (*at == ',') ++at;
  }
  return n;
}

static rd_kafka_queue_t* consume_from_start(rd_kafka_t* client, const char* topic_name) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, topic_name, NULL);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  if (rd_kafka_consume_start_queue(topic, 0, 0, queue) != 0) die("consume", rd_kafka_err2str(rd_kafka_last_error()));
  return queue;
}

static void topic_to_sqlite(const char* path, const char* table, const char* bootstrap, const char* topic, int64_t rows) {
  sqlite3* db;
  sqlite3_stmt* upsert;
  sqlite3_stmt* columns;
  char sql[8192];
  char values[1024] = "";
  char updates[4096] = "";
  int count = 0;
  if (sqlite3_open(path, &db) != SQLITE_OK) die(path, sqlite3_errmsg(db));
  sqlite3_exec(db, "pragma journal_mode=wal; pragma synchronous=normal", NULL, NULL, NULL);
  snprintf(sql, sizeof sql, "select name from pragma_table_info('%s')", table);
  sqlite3_prepare_v2(db, sql, -1, &columns, NULL);
  size_t n = (size_t)snprintf(sql, sizeof sql, "insert into \"%s\" (", table);
  while (sqlite3_step(columns) == SQLITE_ROW) {
    const char* name = (const char*)sqlite3_column_text(columns, 0);
    n += (size_t)snprintf(sql + n, sizeof sql - n, "%s\"%s\"", count == 0 ? "" : ",", name);
    strcat(values, count == 0 ? "?" : ",?");
    if (count > 0) snprintf(updates + strlen(updates), sizeof updates - strlen(updates), "%s\"%s\"=excluded.\"%s\"", count == 1 ? "" : ",", name, name);
    ++count;
  }
  snprintf(sql + n, sizeof sql - n, ") values (%s) on conflict(\"id\") do update set %s", values, updates);
  if (sqlite3_prepare_v2(db, sql, -1, &upsert, NULL) != SQLITE_OK) die(sql, sqlite3_errmsg(db));
  rd_kafka_t* client = open_client(RD_KAFKA_CONSUMER, bootstrap);
  rd_kafka_queue_t* queue = consume_from_start(client, topic);
  rd_kafka_message_t* batch[kBatchRows];
  struct Cell cells[kColumnsMax];
  int64_t done = 0;
  double began = 0;
  double cpu = 0;
  while (done < rows) {
    const ssize_t got = rd_kafka_consume_batch_queue(queue, 1000, batch, kBatchRows);
    if (got > 0 && began == 0) {
      began = seconds_now();
      cpu = cpu_now();
    }
    sqlite3_exec(db, "begin immediate", NULL, NULL, NULL);
    for (ssize_t m = 0; m < got; ++m) {
      if (batch[m]->err == 0) {
        const int n_cells = read_row(batch[m]->payload, batch[m]->len, cells);
        for (int c = 0; c < n_cells; ++c) {
          if (cells[c].kind == kNull) sqlite3_bind_null(upsert, c + 1);
          else if (cells[c].kind == kInteger) sqlite3_bind_int64(upsert, c + 1, cells[c].integer);
          else if (cells[c].kind == kReal) sqlite3_bind_double(upsert, c + 1, cells[c].real);
          else sqlite3_bind_text(upsert, c + 1, cells[c].text, (int)cells[c].size, SQLITE_STATIC);
        }
        if (sqlite3_step(upsert) != SQLITE_DONE) die("upsert", sqlite3_errmsg(db));
        sqlite3_reset(upsert);
        ++done;
      }
      rd_kafka_message_destroy(batch[m]);
    }
    if (sqlite3_exec(db, "commit", NULL, NULL, NULL) != SQLITE_OK) die("commit", sqlite3_errmsg(db));
  }
  /* As the sink does: commits do not wait for the disk, the last one does. */
  sqlite3_exec(db, "pragma synchronous=full; begin immediate; pragma user_version=1; commit", NULL, NULL, NULL);
  report(done, began, cpu);
}

static void check(PGconn* db, PGresult* result, ExecStatusType expected, const char* what) {
  if (PQresultStatus(result) != expected) die(what, PQerrorMessage(db));
  PQclear(result);
}

/* One transaction a batch: COPY (text) into the table, or into a temporary table and one INSERT .. ON CONFLICT from there. */
static void topic_to_postgres(const char* uri, const char* table, const char* bootstrap, const char* topic, int64_t rows, int upsert) {
  char copy[512];
  char merge[8192];
  char create[512];
  PGconn* db = PQconnectdb(uri);
  if (PQstatus(db) != CONNECTION_OK) die("postgres", PQerrorMessage(db));
  /* As the sink does: commits do not wait for the disk, the last one does. */
  check(db, PQexec(db, "set synchronous_commit = off"), PGRES_COMMAND_OK, "set");
  snprintf(create, sizeof create, "create temp table yardstick (like \"%s\") on commit delete rows", table);
  if (upsert) check(db, PQexec(db, create), PGRES_COMMAND_OK, create);
  snprintf(copy, sizeof copy, "copy \"%s\" from stdin", upsert ? "yardstick" : table);
  snprintf(create, sizeof create, "select * from \"%s\" limit 0", table);
  PGresult* shape = PQexec(db, create);
  size_t n = (size_t)snprintf(merge, sizeof merge, "insert into \"%s\" select distinct on (id) * from yardstick on conflict (id) do update set ", table);
  for (int c = 1; c < PQnfields(shape); ++c) {
    n += (size_t)snprintf(merge + n, sizeof merge - n, "%s\"%s\"=excluded.\"%s\"", c == 1 ? "" : ",", PQfname(shape, c), PQfname(shape, c));
  }
  PQclear(shape);
  rd_kafka_t* client = open_client(RD_KAFKA_CONSUMER, bootstrap);
  rd_kafka_queue_t* queue = consume_from_start(client, topic);
  rd_kafka_message_t* batch[kBatchRows];
  struct Cell cells[kColumnsMax];
  int64_t done = 0;
  double began = 0;
  double cpu = 0;
  while (done < rows) {
    const ssize_t got = rd_kafka_consume_batch_queue(queue, 1000, batch, kBatchRows);
    if (got > 0 && began == 0) {
      began = seconds_now();
      cpu = cpu_now();
    }
    check(db, PQexec(db, "begin"), PGRES_COMMAND_OK, "begin");
    check(db, PQexec(db, copy), PGRES_COPY_IN, copy);
    for (ssize_t m = 0; m < got; ++m) {
      if (batch[m]->err == 0) {
        const int n_cells = read_row(batch[m]->payload, batch[m]->len, cells);
        row_size = 0;
        for (int c = 0; c < n_cells; ++c) {
          if (c > 0) put("\t", 1);
          if (cells[c].kind == kNull) put("\\N", 2);
          else put(cells[c].text, cells[c].size);
        }
        put("\n", 1);
        PQputCopyData(db, row_text, (int)row_size);
        ++done;
      }
      rd_kafka_message_destroy(batch[m]);
    }
    if (PQputCopyEnd(db, NULL) != 1) die("copy", PQerrorMessage(db));
    check(db, PQgetResult(db), PGRES_COMMAND_OK, "copy");
    while (PQgetResult(db) != NULL) {
    }
    if (upsert) check(db, PQexec(db, merge), PGRES_COMMAND_OK, merge);
    if (done >= rows) check(db, PQexec(db, "set local synchronous_commit = on"), PGRES_COMMAND_OK, "set");
    check(db, PQexec(db, "commit"), PGRES_COMMAND_OK, "commit");
  }
  report(done, began, cpu);
}

int main(int argc, char** argv) {
  if (argc == 7 && strcmp(argv[1], "sqlite-to-topic") == 0) sqlite_to_topic(argv[2], argv[3], argv[4], argv[5], strcmp(argv[6], "envelope") == 0);
  else if (argc == 7 && strcmp(argv[1], "postgres-to-topic") == 0) postgres_to_topic(argv[2], argv[3], argv[4], argv[5]);
  else if (argc == 7 && strcmp(argv[1], "topic-to-sqlite") == 0) topic_to_sqlite(argv[2], argv[3], argv[4], argv[5], atoll(argv[6]));
  else if (argc == 8 && strcmp(argv[1], "topic-to-postgres") == 0)
    topic_to_postgres(argv[2], argv[3], argv[4], argv[5], atoll(argv[6]), strcmp(argv[7], "upsert") == 0);
  else die("usage", "see the comment at the top of yardstick.c");
  fflush(stdout);
  _Exit(0); /* librdkafka's orderly end is not part of the measure */
}
