CREATE TABLE "hub_count" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "peer" TEXT NOT NULL,
    "total" BIGINT NOT NULL,
    "deleted" BIGINT NOT NULL,
    CONSTRAINT "uid_hub_count_kind_c84ced" UNIQUE ("kind", "peer")
);
CREATE TABLE "hub_object" (
    "seq" BIGSERIAL NOT NULL PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "object_key" TEXT NOT NULL,
    "peer" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "body" BYTEA NOT NULL,
    "last_updated" BIGINT NOT NULL,
    CONSTRAINT "uid_hub_object_kind_073bf2" UNIQUE ("kind", "object_key", "owner", "peer")
);
CREATE INDEX "idx_hub_object_kind_42018a" ON "hub_object" ("kind", "peer", "seq", "last_updated");
CREATE INDEX "idx_hub_object_owner_8b54ab" ON "hub_object" ("owner", "kind", "peer");
CREATE TABLE "hub_channel" (
    "channel" TEXT NOT NULL  PRIMARY KEY,
    "counter" BIGINT NOT NULL,
    "payload" TEXT NOT NULL
);
CREATE TABLE "credentials_client_info" (
    "seq" BIGSERIAL NOT NULL PRIMARY KEY,
    "house" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "country_code" TEXT NOT NULL,
    "party_id" TEXT NOT NULL,
    "connection_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "changed" BIGINT NOT NULL,
    "revision" BIGINT NOT NULL,
    CONSTRAINT "uid_credentials_house_ea4cc1" UNIQUE ("house", "role", "country_code", "party_id")
);
CREATE INDEX "idx_credentials_house_83cd26" ON "credentials_client_info" ("house", "revision");
CREATE INDEX "idx_credentials_house_e67a0d" ON "credentials_client_info" ("house", "connection_id");
CREATE TABLE "credentials_connection" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "house" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "versions_url" TEXT NOT NULL,
    "token" BYTEA NOT NULL,
    "status" TEXT NOT NULL,
    "accepted" TEXT NOT NULL,
    "quirks" TEXT NOT NULL,
    "options" TEXT NOT NULL,
    "created" BIGINT NOT NULL,
    "changed" BIGINT NOT NULL,
    "last_seen" BIGINT NOT NULL,
    CONSTRAINT "uid_credentials_house_a75771" UNIQUE ("house", "name")
);
CREATE TABLE "cpms_account" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "email" TEXT NOT NULL,
    "email_key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "password" TEXT NOT NULL,
    "active" SMALLINT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "changed_at" BIGINT NOT NULL,
    "last_login_at" BIGINT,
    CONSTRAINT "uid_cpms_accoun_email_k_97d304" UNIQUE ("email_key")
);
CREATE TABLE "cpms_alarm" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "rule" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "station_id" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "open" SMALLINT,
    "raised_at" BIGINT NOT NULL,
    "cleared_at" BIGINT,
    "acknowledged_at" BIGINT,
    "acknowledged_by" TEXT,
    "note" TEXT,
    "warned" SMALLINT NOT NULL,
    CONSTRAINT "uid_cpms_alarm_rule_ef5541" UNIQUE ("rule", "subject", "open")
);
CREATE INDEX "idx_cpms_alarm_raised__154421" ON "cpms_alarm" ("raised_at");
CREATE INDEX "idx_cpms_alarm_station_b3e43d" ON "cpms_alarm" ("station_id", "raised_at");
CREATE INDEX "idx_cpms_alarm_warned_f892c3" ON "cpms_alarm" ("warned");
CREATE TABLE "cpms_audit" (
    "seq" BIGSERIAL NOT NULL PRIMARY KEY,
    "at" BIGINT NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "before" BYTEA,
    "after" BYTEA,
    "request_id" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "status" SMALLINT NOT NULL
);
CREATE INDEX "idx_cpms_audit_at_1bb1d8" ON "cpms_audit" ("at");
CREATE INDEX "idx_cpms_audit_actor_i_0f32f7" ON "cpms_audit" ("actor_id", "seq");
CREATE INDEX "idx_cpms_audit_target_2cb933" ON "cpms_audit" ("target", "seq");
CREATE TABLE "cpms_booked_slot" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "slot" BIGINT NOT NULL,
    "holder" TEXT NOT NULL,
    "taken_at" BIGINT NOT NULL,
    CONSTRAINT "uid_cpms_booked_locatio_fb0338" UNIQUE ("location_id", "evse_uid", "slot")
);
CREATE INDEX "idx_cpms_booked_holder_085e3c" ON "cpms_booked_slot" ("holder");
CREATE TABLE "cpms_booking" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "asker" TEXT NOT NULL,
    "request_id" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "starts_at" BIGINT NOT NULL,
    "ends_at" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "session_id" TEXT,
    "session_ended" SMALLINT NOT NULL,
    CONSTRAINT "uid_cpms_bookin_asker_feed0b" UNIQUE ("asker", "request_id")
);
CREATE INDEX "idx_cpms_bookin_state_1b0a4d" ON "cpms_booking" ("state", "starts_at");
CREATE INDEX "idx_cpms_bookin_locatio_e8af37" ON "cpms_booking" ("location_id", "evse_uid", "starts_at");
CREATE INDEX "idx_cpms_bookin_session_1e2816" ON "cpms_booking" ("session_id");
CREATE TABLE "cpms_case" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "station_id" TEXT NOT NULL,
    "transaction_id" BIGINT NOT NULL,
    "session_id" TEXT NOT NULL,
    "detail" BYTEA NOT NULL,
    "opened_at" BIGINT NOT NULL,
    "closed_at" BIGINT,
    "note" TEXT,
    CONSTRAINT "uid_cpms_case_kind_fcebff" UNIQUE ("kind", "station_id", "transaction_id")
);
CREATE INDEX "idx_cpms_case_closed__b16556" ON "cpms_case" ("closed_at");
CREATE TABLE "cpms_connector" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "station_id" TEXT NOT NULL,
    "evse_id" INT NOT NULL,
    "connector_id" INT NOT NULL,
    "status" TEXT NOT NULL,
    "error_code" TEXT NOT NULL,
    "info" TEXT,
    "vendor_error_code" TEXT,
    "at" BIGINT NOT NULL,
    "received" BIGINT NOT NULL,
    CONSTRAINT "uid_cpms_connec_station_dd425a" UNIQUE ("station_id", "evse_id", "connector_id")
);
CREATE TABLE "cpms_extension" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "vendor" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "schema" BYTEA NOT NULL,
    "last_updated" BIGINT NOT NULL,
    CONSTRAINT "uid_cpms_extens_vendor_340bf1" UNIQUE ("vendor", "model")
);
CREATE TABLE "cpms_key" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "name" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "scopes" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "created_by" TEXT NOT NULL,
    "expires_at" BIGINT,
    "used_at" BIGINT,
    "revoked_at" BIGINT,
    CONSTRAINT "uid_cpms_key_token_h_3b836b" UNIQUE ("token_hash")
);
CREATE TABLE "cpms_login" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "account_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "seen_at" BIGINT NOT NULL,
    "expires_at" BIGINT NOT NULL,
    "address" TEXT NOT NULL,
    "agent" TEXT NOT NULL,
    "step_up_hash" TEXT,
    "step_up_until" BIGINT,
    CONSTRAINT "uid_cpms_login_token_h_0b193b" UNIQUE ("token_hash")
);
CREATE INDEX "idx_cpms_login_account_52ec13" ON "cpms_login" ("account_id");
CREATE TABLE "cpms_object" (
    "seq" BIGSERIAL NOT NULL PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "object_id" TEXT NOT NULL,
    "document" BYTEA NOT NULL,
    "last_updated" BIGINT NOT NULL,
    "revision" BIGINT NOT NULL,
    "receiver" TEXT,
    "received" SMALLINT NOT NULL,
    "told" BYTEA,
    "link" TEXT,
    "reason" TEXT,
    CONSTRAINT "uid_cpms_object_kind_ae5f8d" UNIQUE ("kind", "owner", "object_id")
);
CREATE INDEX "idx_cpms_object_kind_ca6436" ON "cpms_object" ("kind", "last_updated");
CREATE INDEX "idx_cpms_object_receive_4f72bc" ON "cpms_object" ("received", "receiver");
CREATE TABLE "cpms_offer" (
    "offer_id" TEXT NOT NULL  PRIMARY KEY,
    "document" BYTEA NOT NULL,
    "begins" BIGINT NOT NULL,
    "ends" BIGINT NOT NULL,
    "state" TEXT NOT NULL
);
CREATE INDEX "idx_cpms_offer_state_4b2b0a" ON "cpms_offer" ("state", "begins");
CREATE INDEX "idx_cpms_offer_state_0d6885" ON "cpms_offer" ("state", "ends");
CREATE TABLE "cpms_operation" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "station_id" TEXT NOT NULL,
    "evse_id" INT NOT NULL,
    "state" TEXT NOT NULL,
    "told" SMALLINT,
    CONSTRAINT "uid_cpms_operat_station_f2efe5" UNIQUE ("station_id", "evse_id")
);
CREATE TABLE "cpms_place" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "station_id" TEXT NOT NULL,
    "evse_id" INT NOT NULL,
    "connector_id" INT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "connector" TEXT NOT NULL,
    CONSTRAINT "uid_cpms_place_station_32f25e" UNIQUE ("station_id", "evse_id", "connector_id"),
    CONSTRAINT "uid_cpms_place_locatio_7542ca" UNIQUE ("location_id", "evse_uid", "connector")
);
CREATE TABLE "cpms_plan" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "begins" BIGINT NOT NULL,
    "ends" BIGINT,
    "note" TEXT NOT NULL,
    CONSTRAINT "uid_cpms_plan_kind_ebdcbb" UNIQUE ("kind", "reference", "location_id", "evse_uid")
);
CREATE INDEX "idx_cpms_plan_locatio_6f77c5" ON "cpms_plan" ("location_id", "evse_uid");
CREATE INDEX "idx_cpms_plan_begins_318ff3" ON "cpms_plan" ("begins");
CREATE INDEX "idx_cpms_plan_ends_1eddb2" ON "cpms_plan" ("ends");
CREATE TABLE "cpms_profile_setter" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "session_id" TEXT NOT NULL,
    "party" TEXT NOT NULL,
    CONSTRAINT "uid_cpms_profil_session_3dfb82" UNIQUE ("session_id", "party")
);
CREATE TABLE "cpms_remote_start" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "station_id" TEXT NOT NULL,
    "evse_id" INT NOT NULL,
    "id_token" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "document" BYTEA NOT NULL,
    "asked_at" BIGINT NOT NULL,
    "until" BIGINT NOT NULL,
    "state" TEXT NOT NULL
);
CREATE INDEX "idx_cpms_remote_station_f9be4d" ON "cpms_remote_start" ("station_id", "state");
CREATE INDEX "idx_cpms_remote_state_c08489" ON "cpms_remote_start" ("state");
CREATE TABLE "cpms_reservation" (
    "session_id" TEXT NOT NULL  PRIMARY KEY,
    "asker" TEXT NOT NULL,
    "reservation_id" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "response_url" TEXT NOT NULL,
    "expires_at" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    CONSTRAINT "uid_cpms_reserv_asker_53e669" UNIQUE ("asker", "reservation_id")
);
CREATE TABLE "cpms_set_profile" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "station_id" TEXT NOT NULL,
    "transaction_id" TEXT NOT NULL,
    "document" BYTEA NOT NULL,
    "set_at" BIGINT NOT NULL,
    CONSTRAINT "uid_cpms_set_pr_station_72fd6f" UNIQUE ("station_id", "transaction_id")
);
CREATE TABLE "cpms_share" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "station_id" TEXT NOT NULL,
    "evse_id" INT NOT NULL,
    "default_share" BIGINT,
    "share" BIGINT,
    "transaction_id" TEXT,
    "phases" SMALLINT NOT NULL,
    CONSTRAINT "uid_cpms_share_station_772e99" UNIQUE ("station_id", "evse_id")
);
CREATE TABLE "cpms_site_power" (
    "location_id" TEXT NOT NULL  PRIMARY KEY,
    "document" BYTEA NOT NULL,
    "last_updated" BIGINT NOT NULL
);
CREATE TABLE "cpms_station" (
    "station_id" TEXT NOT NULL  PRIMARY KEY,
    "location_id" TEXT NOT NULL,
    "document" BYTEA NOT NULL,
    "offline_since" BIGINT,
    "removed_at" BIGINT
);
CREATE INDEX "idx_cpms_statio_locatio_8f6619" ON "cpms_station" ("location_id");
CREATE TABLE "cpms_station_group" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "group_id" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    CONSTRAINT "uid_cpms_statio_group_i_e73fdc" UNIQUE ("group_id", "location_id", "evse_uid")
);
CREATE INDEX "idx_cpms_statio_locatio_81e505" ON "cpms_station_group" ("location_id");
CREATE TABLE "cpms_station_reservation" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "reservation_id" TEXT NOT NULL,
    "station_id" TEXT NOT NULL,
    "evse_id" INT NOT NULL,
    "id_token" TEXT NOT NULL,
    "document" BYTEA NOT NULL,
    "expires_at" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    CONSTRAINT "uid_cpms_statio_reserva_92dbfe" UNIQUE ("reservation_id")
);
CREATE INDEX "idx_cpms_statio_station_6b2ba7" ON "cpms_station_reservation" ("station_id", "state");
CREATE TABLE "cpms_tariff" (
    "tariff_id" TEXT NOT NULL  PRIMARY KEY,
    "provider" TEXT,
    "offer_id" TEXT,
    "base" TEXT,
    "removed_at" BIGINT
);
CREATE INDEX "idx_cpms_tariff_offer_i_73387d" ON "cpms_tariff" ("offer_id");
CREATE INDEX "idx_cpms_tariff_base_d662d5" ON "cpms_tariff" ("base");
CREATE TABLE "cpms_tariff_place" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "tariff_id" TEXT NOT NULL,
    "group_id" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "connector" TEXT NOT NULL,
    CONSTRAINT "uid_cpms_tariff_tariff__ca2464" UNIQUE ("tariff_id", "group_id", "location_id", "evse_uid", "connector")
);
CREATE INDEX "idx_cpms_tariff_locatio_d108a2" ON "cpms_tariff_place" ("location_id");
CREATE INDEX "idx_cpms_tariff_group_i_1e7a60" ON "cpms_tariff_place" ("group_id");
CREATE TABLE "cpms_tariff_version" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "tariff_id" TEXT NOT NULL,
    "version" INT NOT NULL,
    "document" BYTEA NOT NULL,
    "applies_from" BIGINT NOT NULL,
    "made_by" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    CONSTRAINT "uid_cpms_tariff_tariff__e9e61f" UNIQUE ("tariff_id", "version")
);
CREATE TABLE "cpms_transaction" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "station_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "station_transaction_id" TEXT NOT NULL,
    "evse_id" INT NOT NULL,
    "connector_id" INT NOT NULL,
    "session_id" TEXT NOT NULL,
    "outlet" BYTEA,
    "authorization_given" BYTEA,
    "verdict" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "started_at" BIGINT NOT NULL,
    "ended_at" BIGINT,
    "ends_by" BIGINT,
    "energy" BIGINT,
    "reason" TEXT,
    "unbilled" SMALLINT NOT NULL,
    "settled" SMALLINT NOT NULL,
    CONSTRAINT "uid_cpms_transa_station_c09759" UNIQUE ("station_id", "key")
);
CREATE INDEX "idx_cpms_transa_settled_2d6977" ON "cpms_transaction" ("settled");
CREATE INDEX "idx_cpms_transa_session_313bdf" ON "cpms_transaction" ("session_id");
CREATE TABLE "cpms_transaction_message" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "transaction_id" BIGINT NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "seq_no" INT,
    "at" BIGINT NOT NULL,
    "received_at" BIGINT NOT NULL,
    "register" BIGINT,
    "power" INT,
    "current" INT,
    "soc" INT,
    "charging_state" TEXT,
    "detail" BYTEA,
    CONSTRAINT "uid_cpms_transa_transac_777163" UNIQUE ("transaction_id", "key")
);
CREATE TABLE "ocpi_delivery" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "push_id" BIGINT NOT NULL,
    "connection_id" TEXT NOT NULL,
    "party" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "attempts" INT NOT NULL,
    "reason" TEXT NOT NULL,
    "again" SMALLINT NOT NULL,
    "created" BIGINT NOT NULL,
    "updated" BIGINT NOT NULL
);
CREATE INDEX "idx_ocpi_delive_state_256396" ON "ocpi_delivery" ("state", "created");
CREATE TABLE "emsp_agreement" (
    "cpo" TEXT NOT NULL  PRIMARY KEY,
    "allowed" SMALLINT NOT NULL,
    "note" TEXT NOT NULL,
    "changed_at" BIGINT NOT NULL
);
CREATE TABLE "emsp_api_account" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "email" TEXT NOT NULL,
    "email_key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "password" TEXT NOT NULL,
    "active" SMALLINT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "changed_at" BIGINT NOT NULL,
    "last_login_at" BIGINT,
    CONSTRAINT "uid_emsp_api_ac_email_k_60fd79" UNIQUE ("email_key")
);
CREATE TABLE "emsp_api_audit" (
    "seq" BIGSERIAL NOT NULL PRIMARY KEY,
    "at" BIGINT NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "before" BYTEA,
    "after" BYTEA,
    "request_id" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "status" SMALLINT NOT NULL
);
CREATE INDEX "idx_emsp_api_au_at_cf84e7" ON "emsp_api_audit" ("at");
CREATE INDEX "idx_emsp_api_au_actor_i_f0550d" ON "emsp_api_audit" ("actor_id", "seq");
CREATE INDEX "idx_emsp_api_au_target_ad826f" ON "emsp_api_audit" ("target", "seq");
CREATE TABLE "emsp_api_idempotency" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "fingerprint" TEXT NOT NULL,
    "begun_at" BIGINT NOT NULL,
    "status" SMALLINT NOT NULL,
    "kind" TEXT,
    "tag" TEXT,
    "body" BYTEA
);
CREATE INDEX "idx_emsp_api_id_begun_a_75b5b1" ON "emsp_api_idempotency" ("begun_at");
CREATE TABLE "emsp_api_key" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "name" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "scopes" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "created_by" TEXT NOT NULL,
    "expires_at" BIGINT,
    "used_at" BIGINT,
    "revoked_at" BIGINT,
    CONSTRAINT "uid_emsp_api_ke_token_h_453bac" UNIQUE ("token_hash")
);
CREATE TABLE "emsp_api_login" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "account_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "seen_at" BIGINT NOT NULL,
    "expires_at" BIGINT NOT NULL,
    "address" TEXT NOT NULL,
    "agent" TEXT NOT NULL,
    "step_up_hash" TEXT,
    "step_up_until" BIGINT,
    CONSTRAINT "uid_emsp_api_lo_token_h_b65334" UNIQUE ("token_hash")
);
CREATE INDEX "idx_emsp_api_lo_account_e9a407" ON "emsp_api_login" ("account_id");
CREATE TABLE "emsp_authorization" (
    "reference" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "token_uid" TEXT NOT NULL,
    "token_type" TEXT NOT NULL,
    "cpo" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uids" TEXT NOT NULL,
    "allowed" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "at" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_author_driver__d74695" ON "emsp_authorization" ("driver_id", "at");
CREATE INDEX "idx_emsp_author_at_a395c5" ON "emsp_authorization" ("at");
CREATE TABLE "emsp_booked_slot" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "owner" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "slot" BIGINT NOT NULL,
    "booking_id" TEXT NOT NULL,
    CONSTRAINT "uid_emsp_booked_owner_d47913" UNIQUE ("owner", "location_id", "evse_uid", "slot")
);
CREATE INDEX "idx_emsp_booked_booking_d09792" ON "emsp_booked_slot" ("booking_id");
CREATE TABLE "emsp_booking" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "vehicle_id" TEXT,
    "way" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "connector_id" TEXT,
    "zone" TEXT NOT NULL,
    "starts_at" BIGINT NOT NULL,
    "ends_at" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "reason" TEXT,
    "number" TEXT,
    "offer" TEXT,
    "token" BYTEA NOT NULL,
    "reference" TEXT NOT NULL,
    "request_id" TEXT,
    "due_at" BIGINT,
    "undo" SMALLINT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "changed_at" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_bookin_driver__22202c" ON "emsp_booking" ("driver_id", "starts_at");
CREATE INDEX "idx_emsp_bookin_due_at_6d4ecb" ON "emsp_booking" ("due_at");
CREATE INDEX "idx_emsp_bookin_referen_0c4356" ON "emsp_booking" ("reference");
CREATE TABLE "emsp_booking_offer" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "owner" TEXT NOT NULL,
    "number" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    CONSTRAINT "uid_emsp_bookin_owner_5f71ca" UNIQUE ("owner", "number")
);
CREATE INDEX "idx_emsp_bookin_owner_e03523" ON "emsp_booking_offer" ("owner", "location_id", "evse_uid");
CREATE TABLE "emsp_calendar" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "url" TEXT,
    "document" BYTEA,
    "read_at" BIGINT,
    "due" BIGINT,
    "reason" TEXT
);
CREATE INDEX "idx_emsp_calend_driver__dc95c8" ON "emsp_calendar" ("driver_id");
CREATE INDEX "idx_emsp_calend_due_bad1ee" ON "emsp_calendar" ("due");
CREATE TABLE "emsp_cdr_verdict" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "owner" TEXT NOT NULL,
    "cdr_id" TEXT NOT NULL,
    "verdict" TEXT NOT NULL,
    "session" TEXT,
    "driver_id" TEXT,
    "charge" TEXT,
    "currency" TEXT NOT NULL,
    "cost" BIGINT NOT NULL,
    "price" BIGINT NOT NULL,
    "ended" BIGINT NOT NULL,
    "document" BYTEA NOT NULL,
    CONSTRAINT "uid_emsp_cdr_ve_owner_8d4d9b" UNIQUE ("owner", "cdr_id"),
    CONSTRAINT "uid_emsp_cdr_ve_session_cd3463" UNIQUE ("session")
);
CREATE INDEX "idx_emsp_cdr_ve_driver__565ce9" ON "emsp_cdr_verdict" ("driver_id", "ended");
CREATE INDEX "idx_emsp_cdr_ve_ended_568e26" ON "emsp_cdr_verdict" ("ended");
CREATE TABLE "emsp_charge" (
    "reference" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "estimate" BIGINT NOT NULL,
    "payment_id" TEXT,
    "amount" BIGINT,
    "paid" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "due" BIGINT,
    "told" SMALLINT NOT NULL,
    "created" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_charge_driver__a3390a" ON "emsp_charge" ("driver_id", "created");
CREATE INDEX "idx_emsp_charge_due_2b6485" ON "emsp_charge" ("due");
CREATE INDEX "idx_emsp_charge_state_65e9c7" ON "emsp_charge" ("state", "created");
CREATE TABLE "emsp_charge_case" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "detail" BYTEA NOT NULL,
    "opened_at" BIGINT NOT NULL,
    "closed_at" BIGINT,
    "note" TEXT,
    CONSTRAINT "uid_emsp_charge_kind_503e09" UNIQUE ("kind", "subject")
);
CREATE TABLE "emsp_charge_notice" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "key" TEXT NOT NULL,
    "driver_id" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "data" BYTEA NOT NULL,
    "phone" TEXT,
    "told" SMALLINT NOT NULL,
    "at" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_charge_key_22bf05" UNIQUE ("key")
);
CREATE INDEX "idx_emsp_charge_told_4f7c3f" ON "emsp_charge_notice" ("told", "id");
CREATE INDEX "idx_emsp_charge_driver__0a6efd" ON "emsp_charge_notice" ("driver_id", "id");
CREATE TABLE "emsp_charge_profile" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "uid" TEXT NOT NULL,
    "charge_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "profile" BYTEA,
    "power" BIGINT,
    "asked_at" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_charge_uid_eb9126" UNIQUE ("uid")
);
CREATE INDEX "idx_emsp_charge_charge__b6d8b2" ON "emsp_charge_profile" ("charge_id", "id");
CREATE TABLE "emsp_consent" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "given" SMALLINT NOT NULL,
    "version" TEXT NOT NULL,
    "at" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_consen_driver__65748c" ON "emsp_consent" ("driver_id", "purpose");
CREATE TABLE "emsp_dispute" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "owner" TEXT NOT NULL,
    "cdr_id" TEXT NOT NULL,
    "driver_id" TEXT,
    "state" TEXT NOT NULL,
    "findings" BYTEA NOT NULL,
    "note" TEXT,
    "opened" BIGINT NOT NULL,
    "decided" BIGINT,
    CONSTRAINT "uid_emsp_disput_owner_e0f090" UNIQUE ("owner", "cdr_id")
);
CREATE INDEX "idx_emsp_disput_state_088211" ON "emsp_dispute" ("state", "opened");
CREATE TABLE "emsp_driver" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "brand" TEXT NOT NULL,
    "email" TEXT,
    "email_key" TEXT,
    "customer_id" TEXT,
    "customer_key" TEXT,
    "name" TEXT NOT NULL,
    "surname" TEXT NOT NULL,
    "birth_date" TEXT,
    "language" TEXT NOT NULL,
    "password" TEXT,
    "state" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "ends_at" BIGINT,
    "driver_class" TEXT NOT NULL,
    "group_id" TEXT NOT NULL,
    "confirmed_at" BIGINT,
    "created_at" BIGINT NOT NULL,
    "changed_at" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_driver_brand_520960" UNIQUE ("brand", "email_key"),
    CONSTRAINT "uid_emsp_driver_custome_04a9f4" UNIQUE ("customer_key"),
    CONSTRAINT "uid_emsp_driver_group_i_9bf049" UNIQUE ("group_id")
);
CREATE INDEX "idx_emsp_driver_created_95867d" ON "emsp_driver" ("created_at", "id");
CREATE INDEX "idx_emsp_driver_driver__38fa7a" ON "emsp_driver" ("driver_class");
CREATE INDEX "idx_emsp_driver_ends_at_f59649" ON "emsp_driver" ("ends_at");
CREATE INDEX "idx_emsp_driver_confirm_1a30fc" ON "emsp_driver" ("confirmed_at", "created_at");
CREATE TABLE "emsp_driver_charge" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "booking_id" TEXT,
    "origin" TEXT NOT NULL,
    "phone" TEXT,
    "place" TEXT,
    "owner" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "connector_id" TEXT,
    "token" BYTEA NOT NULL,
    "reference" TEXT,
    "state" TEXT NOT NULL,
    "outcome" TEXT,
    "session_id" TEXT,
    "cdr_id" TEXT,
    "stop_order" TEXT,
    "stop_due" BIGINT,
    "stop_reason" TEXT,
    "ends_by" BIGINT,
    "energy" BIGINT NOT NULL,
    "energy_limit" BIGINT,
    "power" BIGINT,
    "power_limit" BIGINT,
    "soc" SMALLINT,
    "cost" BIGINT,
    "cost_limit" BIGINT,
    "estimate" BIGINT,
    "estimate_due" BIGINT,
    "currency" TEXT,
    "time_limit" BIGINT,
    "held" SMALLINT NOT NULL,
    "asked_at" BIGINT NOT NULL,
    "started_at" BIGINT,
    "ended_at" BIGINT,
    "due_at" BIGINT,
    "news_at" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_driver_owner_e5cb62" UNIQUE ("owner", "session_id"),
    CONSTRAINT "uid_emsp_driver_place_eddc9f" UNIQUE ("place")
);
CREATE INDEX "idx_emsp_driver_driver__98f091" ON "emsp_driver_charge" ("driver_id", "asked_at");
CREATE INDEX "idx_emsp_driver_referen_db1b99" ON "emsp_driver_charge" ("reference");
CREATE INDEX "idx_emsp_driver_stop_or_c934c1" ON "emsp_driver_charge" ("stop_order", "state");
CREATE INDEX "idx_emsp_driver_due_at_303f41" ON "emsp_driver_charge" ("due_at");
CREATE INDEX "idx_emsp_driver_stop_du_15a173" ON "emsp_driver_charge" ("stop_due");
CREATE INDEX "idx_emsp_driver_estimat_c167a1" ON "emsp_driver_charge" ("estimate_due");
CREATE INDEX "idx_emsp_driver_held_3ea450" ON "emsp_driver_charge" ("held", "state");
CREATE TABLE "emsp_driver_class" (
    "name" TEXT NOT NULL  PRIMARY KEY,
    "countries" TEXT NOT NULL,
    "locations" TEXT NOT NULL,
    "changed_at" BIGINT NOT NULL
);
CREATE TABLE "emsp_driver_login" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "seen_at" BIGINT NOT NULL,
    "expires_at" BIGINT NOT NULL,
    "address" TEXT NOT NULL,
    "agent" TEXT NOT NULL,
    CONSTRAINT "uid_emsp_driver_token_h_4bdb07" UNIQUE ("token_hash")
);
CREATE INDEX "idx_emsp_driver_driver__e67191" ON "emsp_driver_login" ("driver_id");
CREATE INDEX "idx_emsp_driver_expires_14b93f" ON "emsp_driver_login" ("expires_at");
CREATE TABLE "emsp_engaged_slot" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "who" TEXT NOT NULL,
    "slot" BIGINT NOT NULL,
    "booking_id" TEXT NOT NULL,
    CONSTRAINT "uid_emsp_engage_who_c35771" UNIQUE ("who", "slot")
);
CREATE INDEX "idx_emsp_engage_booking_c6aabc" ON "emsp_engaged_slot" ("booking_id");
CREATE TABLE "emsp_favourite" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "created" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_favour_driver__84f7a2" UNIQUE ("driver_id", "owner", "location_id")
);
CREATE TABLE "emsp_feedback" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "charge" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "stars" SMALLINT NOT NULL,
    "text" TEXT NOT NULL,
    "at" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_feedba_driver__d952cf" UNIQUE ("driver_id", "charge")
);
CREATE INDEX "idx_emsp_feedba_owner_f82064" ON "emsp_feedback" ("owner", "location_id");
CREATE TABLE "emsp_fleet" (
    "group_id" TEXT NOT NULL  PRIMARY KEY,
    "name" TEXT NOT NULL,
    "manager" TEXT NOT NULL,
    "created" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_fleet_manager_eff17c" ON "emsp_fleet" ("manager");
CREATE TABLE "emsp_fleet_member" (
    "token_uid" TEXT NOT NULL  PRIMARY KEY,
    "group_id" TEXT NOT NULL,
    "vehicle" TEXT NOT NULL,
    "cost_centre" TEXT NOT NULL,
    "since" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_fleet__group_i_0d0693" ON "emsp_fleet_member" ("group_id");
CREATE TABLE "emsp_fleet_past" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "token_uid" TEXT NOT NULL,
    "group_id" TEXT NOT NULL,
    "vehicle" TEXT NOT NULL,
    "cost_centre" TEXT NOT NULL,
    "since" BIGINT NOT NULL,
    "until" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_fleet__group_i_b5bace" ON "emsp_fleet_past" ("group_id");
CREATE INDEX "idx_emsp_fleet__token_u_f6a5fc" ON "emsp_fleet_past" ("token_uid");
CREATE TABLE "emsp_free_wish" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "created" BIGINT NOT NULL,
    "until" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_free_w_state_a3c7c3" ON "emsp_free_wish" ("state", "owner", "location_id");
CREATE INDEX "idx_emsp_free_w_driver__20eb00" ON "emsp_free_wish" ("driver_id");
CREATE TABLE "emsp_identity" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "driver_id" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_identi_issuer_526960" UNIQUE ("issuer", "subject")
);
CREATE INDEX "idx_emsp_identi_driver__6c515a" ON "emsp_identity" ("driver_id");
CREATE TABLE "emsp_journey" (
    "state_hash" TEXT NOT NULL  PRIMARY KEY,
    "brand" TEXT NOT NULL,
    "nonce" TEXT NOT NULL,
    "verifier" TEXT NOT NULL,
    "redirect_uri" TEXT NOT NULL,
    "expires_at" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_journe_expires_9bd9b3" ON "emsp_journey" ("expires_at");
CREATE TABLE "emsp_ledger_entry" (
    "seq" BIGSERIAL NOT NULL PRIMARY KEY,
    "key" TEXT NOT NULL,
    "number" SMALLINT NOT NULL,
    "debit" TEXT NOT NULL,
    "credit" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_ledger_key_8706f9" UNIQUE ("key", "number")
);
CREATE INDEX "idx_emsp_ledger_debit_96d3a5" ON "emsp_ledger_entry" ("debit", "currency");
CREATE INDEX "idx_emsp_ledger_credit_1df96a" ON "emsp_ledger_entry" ("credit", "currency");
CREATE TABLE "emsp_ledger_transaction" (
    "key" TEXT NOT NULL  PRIMARY KEY,
    "currency" TEXT NOT NULL,
    "at" BIGINT NOT NULL,
    "memo" TEXT NOT NULL,
    "reverses" TEXT,
    CONSTRAINT "uid_emsp_ledger_reverse_9a2878" UNIQUE ("reverses")
);
CREATE TABLE "emsp_letter" (
    "token_hash" TEXT NOT NULL  PRIMARY KEY,
    "purpose" TEXT NOT NULL,
    "driver_id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "expires_at" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_letter_driver__6c6a66" ON "emsp_letter" ("driver_id", "purpose");
CREATE INDEX "idx_emsp_letter_expires_92d54b" ON "emsp_letter" ("expires_at");
CREATE TABLE "emsp_money_telling" (
    "seq" BIGSERIAL NOT NULL PRIMARY KEY,
    "key" TEXT NOT NULL,
    "document" BYTEA NOT NULL,
    "told" SMALLINT NOT NULL,
    CONSTRAINT "uid_emsp_money__key_564318" UNIQUE ("key")
);
CREATE INDEX "idx_emsp_money__told_1f78eb" ON "emsp_money_telling" ("told", "seq");
CREATE TABLE "emsp_notification" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "key" TEXT NOT NULL,
    "driver_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "data" BYTEA NOT NULL,
    "planned" SMALLINT NOT NULL,
    "created" BIGINT NOT NULL,
    "read_at" BIGINT,
    CONSTRAINT "uid_emsp_notifi_key_f65947" UNIQUE ("key")
);
CREATE INDEX "idx_emsp_notifi_planned_04f8b0" ON "emsp_notification" ("planned", "id");
CREATE INDEX "idx_emsp_notifi_driver__0d4d57" ON "emsp_notification" ("driver_id", "id");
CREATE TABLE "emsp_notification_delivery" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "notification_id" BIGINT NOT NULL,
    "driver_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "attempts" INT NOT NULL,
    "due" BIGINT,
    "until" BIGINT NOT NULL,
    "sent_at" BIGINT,
    "reason" TEXT,
    CONSTRAINT "uid_emsp_notifi_notific_b24b79" UNIQUE ("notification_id", "channel", "target")
);
CREATE INDEX "idx_emsp_notifi_due_7c3c75" ON "emsp_notification_delivery" ("due");
CREATE INDEX "idx_emsp_notifi_driver__87f0fa" ON "emsp_notification_delivery" ("driver_id");
CREATE TABLE "emsp_object" (
    "seq" BIGSERIAL NOT NULL PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "object_id" TEXT NOT NULL,
    "document" BYTEA NOT NULL,
    "last_updated" BIGINT NOT NULL,
    "revision" BIGINT NOT NULL,
    "receiver" TEXT,
    "received" SMALLINT NOT NULL,
    "told" BYTEA,
    "link" TEXT,
    "reason" TEXT,
    CONSTRAINT "uid_emsp_object_kind_c4295f" UNIQUE ("kind", "owner", "object_id")
);
CREATE INDEX "idx_emsp_object_kind_333487" ON "emsp_object" ("kind", "last_updated");
CREATE INDEX "idx_emsp_object_receive_5ce7f7" ON "emsp_object" ("received", "receiver");
CREATE TABLE "emsp_order" (
    "uid" TEXT NOT NULL  PRIMARY KEY,
    "command" TEXT NOT NULL,
    "receiver" TEXT NOT NULL,
    "response" TEXT,
    "result" TEXT,
    "document" BYTEA,
    "created" BIGINT NOT NULL,
    "updated" BIGINT NOT NULL
);
CREATE TABLE "emsp_payment" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "method_id" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "wanted" BIGINT,
    "captured" BIGINT NOT NULL,
    "refunded" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "present" SMALLINT NOT NULL,
    "return_url" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "action_url" TEXT,
    "reason" TEXT,
    "due" BIGINT,
    "attempts" INT NOT NULL,
    "created" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_paymen_driver__b34266" ON "emsp_payment" ("driver_id", "created");
CREATE INDEX "idx_emsp_paymen_subject_569d39" ON "emsp_payment" ("subject");
CREATE INDEX "idx_emsp_paymen_referen_6a5cb7" ON "emsp_payment" ("reference");
CREATE INDEX "idx_emsp_paymen_due_7e1a7c" ON "emsp_payment" ("due");
CREATE TABLE "emsp_payment_method" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "wanted" TEXT NOT NULL,
    "return_url" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "method" TEXT,
    "customer" TEXT,
    "label" TEXT,
    "action_url" TEXT,
    "reason" TEXT,
    "rank" BIGINT NOT NULL,
    "due" BIGINT
);
CREATE INDEX "idx_emsp_paymen_driver__a3a35f" ON "emsp_payment_method" ("driver_id", "rank");
CREATE INDEX "idx_emsp_paymen_referen_013448" ON "emsp_payment_method" ("reference");
CREATE INDEX "idx_emsp_paymen_due_0c77d2" ON "emsp_payment_method" ("due");
CREATE TABLE "emsp_place" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "owner" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "lat" DOUBLE PRECISION NOT NULL,
    "lon" DOUBLE PRECISION NOT NULL,
    "status" TEXT NOT NULL,
    "available" SMALLINT NOT NULL,
    "power" INT NOT NULL,
    "standards" BIGINT NOT NULL,
    "currents" SMALLINT NOT NULL,
    "facilities" BIGINT NOT NULL,
    "capabilities" BIGINT NOT NULL,
    "parking" BIGINT NOT NULL,
    "green" SMALLINT NOT NULL,
    "tariffs" TEXT NOT NULL,
    "zone" TEXT NOT NULL,
    "country" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "changed" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_place_owner_51271d" UNIQUE ("owner", "location_id", "evse_uid")
);
CREATE INDEX "idx_emsp_place_code_d296b8" ON "emsp_place" ("code");
CREATE TABLE "emsp_position" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "lat" BIGINT NOT NULL,
    "lon" BIGINT NOT NULL,
    "at" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_positi_driver__a11c01" UNIQUE ("driver_id", "at")
);
CREATE INDEX "idx_emsp_positi_at_de9bd3" ON "emsp_position" ("at");
CREATE TABLE "emsp_preference" (
    "driver_id" TEXT NOT NULL  PRIMARY KEY,
    "document" BYTEA NOT NULL,
    "changed" BIGINT NOT NULL
);
CREATE TABLE "emsp_push_subscription" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "p256dh" TEXT NOT NULL,
    "auth" TEXT NOT NULL,
    "created" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_push_s_endpoin_aa29f6" UNIQUE ("endpoint")
);
CREATE INDEX "idx_emsp_push_s_driver__799e97" ON "emsp_push_subscription" ("driver_id");
CREATE TABLE "emsp_receipt" (
    "number" TEXT NOT NULL  PRIMARY KEY,
    "subject" TEXT NOT NULL,
    "driver_id" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "at" BIGINT NOT NULL,
    "document" BYTEA NOT NULL,
    CONSTRAINT "uid_emsp_receip_subject_b2a41e" UNIQUE ("subject")
);
CREATE INDEX "idx_emsp_receip_driver__5e65d1" ON "emsp_receipt" ("driver_id", "at");
CREATE INDEX "idx_emsp_receip_at_d38480" ON "emsp_receipt" ("at");
CREATE TABLE "emsp_receipt_count" (
    "year" TEXT NOT NULL  PRIMARY KEY,
    "given" BIGINT NOT NULL
);
CREATE TABLE "emsp_refund" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "payment_id" TEXT NOT NULL,
    "driver_id" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "memo" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "reason" TEXT,
    "due" BIGINT,
    "created" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_refund_payment_928b30" ON "emsp_refund" ("payment_id");
CREATE INDEX "idx_emsp_refund_referen_cb2793" ON "emsp_refund" ("reference");
CREATE INDEX "idx_emsp_refund_due_3c1349" ON "emsp_refund" ("due");
CREATE TABLE "emsp_sms" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "phone" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "reply" TEXT,
    "sent" SMALLINT NOT NULL,
    "at" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_sms_sent_359464" ON "emsp_sms" ("sent");
CREATE TABLE "emsp_standing_request" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "vehicle_id" TEXT,
    "kind" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "location_id" TEXT NOT NULL,
    "evse_uid" TEXT NOT NULL,
    "wish" BYTEA NOT NULL,
    "state" TEXT NOT NULL,
    "ends_at" BIGINT NOT NULL,
    "due_at" BIGINT,
    "booking_id" TEXT,
    "created_at" BIGINT NOT NULL
);
CREATE INDEX "idx_emsp_standi_driver__cc36e5" ON "emsp_standing_request" ("driver_id");
CREATE INDEX "idx_emsp_standi_due_at_5b9abd" ON "emsp_standing_request" ("due_at");
CREATE INDEX "idx_emsp_standi_owner_145433" ON "emsp_standing_request" ("owner", "location_id");
CREATE TABLE "emsp_suggestion" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "document" BYTEA NOT NULL,
    "created" BIGINT NOT NULL,
    "expires" BIGINT NOT NULL,
    "dismissed" SMALLINT NOT NULL,
    CONSTRAINT "uid_emsp_sugges_driver__7663ce" UNIQUE ("driver_id", "key")
);
CREATE TABLE "emsp_tariff_version" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "owner" TEXT NOT NULL,
    "tariff_id" TEXT NOT NULL,
    "since" BIGINT NOT NULL,
    "document" BYTEA NOT NULL,
    CONSTRAINT "uid_emsp_tariff_owner_fe697c" UNIQUE ("owner", "tariff_id", "since")
);
CREATE TABLE "emsp_token" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "uid" TEXT NOT NULL,
    "uid_key" TEXT NOT NULL,
    "contract_id" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "phone" TEXT,
    "group_id" TEXT,
    "state" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "ends_at" BIGINT,
    "created_at" BIGINT NOT NULL,
    "changed_at" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_token_type_423e48" UNIQUE ("type", "uid_key"),
    CONSTRAINT "uid_emsp_token_contrac_4102b8" UNIQUE ("contract_id"),
    CONSTRAINT "uid_emsp_token_phone_ee6a0b" UNIQUE ("phone")
);
CREATE INDEX "idx_emsp_token_driver__d4759e" ON "emsp_token" ("driver_id");
CREATE INDEX "idx_emsp_token_ends_at_e8e32f" ON "emsp_token" ("ends_at");
CREATE TABLE "emsp_vehicle" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "model_id" TEXT,
    "name" TEXT NOT NULL,
    "battery_wh" INT NOT NULL,
    "connectors" TEXT NOT NULL,
    "max_ac" INT NOT NULL,
    "max_dc" INT NOT NULL,
    "plate" TEXT NOT NULL,
    "plate_key" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    CONSTRAINT "uid_emsp_vehicl_plate_k_355208" UNIQUE ("plate_key")
);
CREATE INDEX "idx_emsp_vehicl_driver__c52496" ON "emsp_vehicle" ("driver_id");
CREATE TABLE "emsp_wallet" (
    "driver_id" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "balance" BIGINT NOT NULL,
    "held" BIGINT NOT NULL,
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    CONSTRAINT "uid_emsp_wallet_driver__7a15b7" UNIQUE ("driver_id", "currency")
);
CREATE TABLE "emsp_wallet_hold" (
    "reference" TEXT NOT NULL  PRIMARY KEY,
    "driver_id" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "taken" BIGINT NOT NULL,
    "state" TEXT NOT NULL
);
CREATE TABLE "credentials_endpoint" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "house" TEXT NOT NULL,
    "connection_id" TEXT NOT NULL,
    "module" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    CONSTRAINT "uid_credentials_connect_38afcd" UNIQUE ("connection_id", "module", "role")
);
CREATE INDEX "idx_credentials_house_28b970" ON "credentials_endpoint" ("house");
CREATE TABLE "hub_hops" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "at" BIGINT NOT NULL,
    "marks" BYTEA NOT NULL,
    "hops" BYTEA NOT NULL
);
CREATE TABLE "credentials_invitation" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "house" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "token" BYTEA NOT NULL,
    "roles" TEXT NOT NULL,
    "options" TEXT NOT NULL,
    "created" BIGINT NOT NULL,
    "expires" BIGINT NOT NULL
);
CREATE INDEX "idx_credentials_house_fe13dc" ON "credentials_invitation" ("house");
CREATE TABLE "hub_lent" (
    "uid" TEXT NOT NULL  PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "owner_connection" TEXT NOT NULL,
    "borrower" TEXT NOT NULL,
    "borrower_connection" TEXT NOT NULL,
    "module" TEXT NOT NULL,
    "correlation_id" TEXT NOT NULL,
    "reservation" TEXT NOT NULL,
    "created" BIGINT NOT NULL,
    "expires" BIGINT NOT NULL,
    "due" BIGINT NOT NULL,
    "answered" BIGINT NOT NULL
);
CREATE INDEX "idx_hub_lent_reserva_109365" ON "hub_lent" ("reservation", "owner");
CREATE INDEX "idx_hub_lent_correla_3df3b1" ON "hub_lent" ("correlation_id");
CREATE INDEX "idx_hub_lent_expires_6b867b" ON "hub_lent" ("expires");
CREATE TABLE "credentials_mark" (
    "name" TEXT NOT NULL  PRIMARY KEY,
    "value" BIGINT NOT NULL
);
CREATE TABLE "ocpp_frames" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "station_id" TEXT NOT NULL,
    "first_at" BIGINT NOT NULL,
    "last_at" BIGINT NOT NULL,
    "frames" BYTEA NOT NULL
);
CREATE INDEX "idx_ocpp_frames_station_946ab4" ON "ocpp_frames" ("station_id", "last_at");
CREATE INDEX "idx_ocpp_frames_last_at_38004c" ON "ocpp_frames" ("last_at");
CREATE TABLE "ocpp_leniency" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "vendor" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "names" TEXT NOT NULL,
    CONSTRAINT "uid_ocpp_lenien_vendor_32ee40" UNIQUE ("vendor", "model")
);
CREATE TABLE "ocpp_station" (
    "station_id" TEXT NOT NULL  PRIMARY KEY,
    "state" TEXT NOT NULL,
    "security_profile" SMALLINT NOT NULL,
    "passwords" TEXT NOT NULL,
    "versions" TEXT NOT NULL,
    "certificate" TEXT,
    "vendor" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "serial_number" TEXT NOT NULL,
    "firmware_version" TEXT NOT NULL,
    "leniencies" TEXT NOT NULL,
    "created" BIGINT NOT NULL,
    "last_seen" BIGINT
);
CREATE INDEX "idx_ocpp_statio_state_4ad77f" ON "ocpp_station" ("state");
CREATE TABLE "hub_order" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "arguments" BYTEA NOT NULL,
    "state" TEXT NOT NULL,
    "result" BYTEA NOT NULL,
    "created" BIGINT NOT NULL
);
CREATE INDEX "idx_hub_order_state_59d5a9" ON "hub_order" ("state", "created");
CREATE TABLE "hub_pull" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "connection_id" TEXT NOT NULL,
    "party" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "until" BIGINT NOT NULL,
    CONSTRAINT "uid_hub_pull_connect_a80279" UNIQUE ("connection_id", "party", "kind")
);
CREATE TABLE "ocpi_push" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "operation" TEXT NOT NULL,
    "params" TEXT NOT NULL,
    "query" TEXT NOT NULL,
    "body" BYTEA NOT NULL,
    "version" TEXT NOT NULL,
    "sender" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "correlation_id" TEXT NOT NULL,
    "object_key" TEXT NOT NULL,
    "created" BIGINT NOT NULL
);
CREATE INDEX "idx_ocpi_push_created_b719da" ON "ocpi_push" ("created");
CREATE TABLE "credentials_role" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "house" TEXT NOT NULL,
    "connection_id" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "country_code" TEXT NOT NULL,
    "party_id" TEXT NOT NULL,
    "business_details" TEXT NOT NULL,
    CONSTRAINT "uid_credentials_house_d7142a" UNIQUE ("house", "role", "country_code", "party_id")
);
CREATE INDEX "idx_credentials_connect_d4a0b9" ON "credentials_role" ("connection_id");
CREATE TABLE "hub_setting" (
    "name" TEXT NOT NULL  PRIMARY KEY,
    "value" TEXT NOT NULL
);
CREATE TABLE "credentials_token" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "house" TEXT NOT NULL,
    "connection_id" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "kind" TEXT NOT NULL,
    "created" BIGINT NOT NULL,
    "until" BIGINT NOT NULL
);
CREATE INDEX "idx_credentials_house_627590" ON "credentials_token" ("house");
CREATE INDEX "idx_credentials_connect_a150bb" ON "credentials_token" ("connection_id");
